import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.CustomRequestLog;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

/** A page of notes, served by Jetty. All instances share the notes: they are the journal in /data. */
public final class App extends HttpServlet {
    private static final int LONGEST = 1000;
    private final transient Journal journal;
    private final String task;

    App(Journal journal, String task) {
        this.journal = journal;
        this.task = task;
    }

    public static void main(String[] args) throws Exception {
        Path data = Path.of(System.getenv().getOrDefault("DATA", "/data"));
        Server server = new Server(Integer.parseInt(System.getenv().getOrDefault("PORT", "8080")));
        ServletContextHandler context = new ServletContextHandler();
        App app = new App(new Journal(data.resolve("journal")), System.getenv().getOrDefault("TASK", "app"));
        context.addServlet(new ServletHolder(app), "/");
        server.setHandler(context);
        CustomRequestLog log = new CustomRequestLog(System.out::println, CustomRequestLog.NCSA_FORMAT);
        log.setIgnorePaths(new String[] {"/ping"});
        server.setRequestLog(log);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server)));
        server.start();
        server.join();
    }

    /** The proxies notice within this time that Docker no longer lists the instance. */
    private static void stop(Server server) {
        try {
            TimeUnit.SECONDS.sleep(3);
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        switch (request.getServletPath()) {
            case "/" -> answer(response, 200, "text/html", page(journal.notes()));
            case "/notes" -> answer(response, 200, "text/plain", lines(journal.notes()));
            case "/ping" -> answer(response, 200, "text/plain", "pong\n");
            default -> answer(response, 404, "text/plain", "not found\n");
        }
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.setCharacterEncoding("UTF-8");
        String note = request.getParameter("note");
        if (!request.getServletPath().equals("/notes")) {
            answer(response, 404, "text/plain", "not found\n");
        } else if (note == null || note.isBlank() || note.length() > LONGEST) {
            answer(response, 400, "text/plain", "a note has 1 to " + LONGEST + " characters\n");
        } else {
            journal.add(note.strip().replaceAll("\\s+", " "));
            response.setHeader("Location", "/");
            answer(response, 303, "text/plain", "stored\n");
        }
    }

    private void answer(HttpServletResponse response, int status, String type, String body) throws IOException {
        response.setStatus(status);
        response.setContentType(type + "; charset=utf-8");
        response.setHeader("Cache-Control", "no-store");
        response.setHeader("X-Task", task);
        response.getOutputStream().write(body.getBytes(UTF_8));
    }

    private static String lines(List<String> notes) {
        return notes.isEmpty() ? "" : String.join("\n", notes) + "\n";
    }

    private static String page(List<String> notes) {
        StringBuilder items = new StringBuilder();
        for (String note : notes) items.append("<li>").append(escaped(note)).append("\n");
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Notes</title>
            <link rel="stylesheet" href="/assets/style.css">
            <h1>Notes</h1>
            <form method="post" action="/notes">
            <label>Note <input name="note" required maxlength="%d"></label> <button>Add</button>
            </form>
            <ul>
            %s</ul>
            </html>
            """.formatted(LONGEST, items);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    /**
     * An append-only file with a record for each note, which several processes read and write. A record is one write in
     * the mode append, so records of several instances do not mix, also on a shared file system. A record that is cut
     * off, because its instance was killed, has no valid checksum and is left out.
     */
    static final class Journal {
        private final Path path;
        private final List<String> known = new ArrayList<>();
        private long end; // of the lines that have been read

        Journal(Path path) {
            this.path = path;
        }

        /** Returns once the note is on the disk. */
        void add(String note) throws IOException {
            String text = Base64.getEncoder().encodeToString(note.getBytes(UTF_8));
            // the first line break ends a record that is cut off
            byte[] record = ("\n" + checksum(text) + " " + text + "\n").getBytes(UTF_8);
            try (FileChannel file = FileChannel.open(path, CREATE, APPEND)) {
                file.write(ByteBuffer.wrap(record));
                file.force(true);
            }
        }

        /** All notes, after those that this or other instances have added were read. */
        synchronized List<String> notes() throws IOException {
            if (!Files.exists(path)) return List.of();
            byte[] added;
            try (FileChannel file = FileChannel.open(path, READ)) {
                added = Channels.newInputStream(file.position(end)).readAllBytes();
            }
            int start = 0;
            for (int i = 0; i < added.length; i++) {
                if (added[i] != '\n') continue;
                String[] parts = new String(added, start, i - start, UTF_8).split(" ");
                if (parts.length == 2 && parts[0].equals(checksum(parts[1])))
                    known.add(new String(Base64.getDecoder().decode(parts[1]), UTF_8));
                start = i + 1;
            }
            end += start;
            return List.copyOf(known);
        }

        private static String checksum(String text) {
            CRC32 sum = new CRC32();
            sum.update(text.getBytes(UTF_8));
            return Long.toHexString(sum.getValue());
        }
    }
}
