/* Manages the objects of the sweep's resources: files, written atomically by a separate process.
 *
 *     object create|read|delete NAME VALUE
 *
 * Each creation is a line of the file `made`.
 *
 * A program instead of a script, because the sweep runs it a few hundred thousand times. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int tell(const char* name, const char* path) {
    char value[4096];
    FILE* in = fopen(path, "r");
    if (in == NULL) return 44;
    size_t n = fread(value, 1, sizeof value - 1, in);
    fclose(in);
    value[n] = '\0';
    printf("{\"id\": \"id-of-%s\", \"value\": \"%s\"}", name, value);
    return 0;
}

int main(int argc, char** argv) {
    char path[4096], half[4096];
    if (argc < 3) return 64;
    snprintf(path, sizeof path, "world/%s", argv[2]);
    snprintf(half, sizeof half, "world/.%s", argv[2]);
    if (strcmp(argv[1], "delete") == 0) {
        unlink(path);
        unlink(half);
        return 0;
    }
    if (strcmp(argv[1], "create") == 0) {
        FILE* out = argc > 3 ? fopen(half, "w") : NULL;
        if (out == NULL) return 1;
        fputs(argv[3], out);
        if (fclose(out) != 0 || rename(half, path) != 0) return 1;
        FILE* made = fopen("made", "a");
        if (made == NULL) return 1;
        fprintf(made, "%s\n", argv[2]); /* in one write */
        if (fclose(made) != 0) return 1;
    }
    return tell(argv[2], path);
}
