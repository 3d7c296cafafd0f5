#!/bin/sh
# `look` sets variables from the properties of $u. `give_up TEXT` prints the last lines of the
# journal of the unit and fails.
look() {
    type= active= sub= result= id= code= status= condition=
    while IFS='=' read -r key value; do case $key in
        Type) type=$value ;;
        ActiveState) active=$value ;;
        SubState) sub=$value ;;
        Result) result=$value ;;
        InvocationID) id=$value ;;
        ExecMainCode) code=$value ;;
        ExecMainStatus) status=$value ;;
        ConditionResult) condition=$value ;;
    esac; done <<END
$(systemctl show -p Type,ActiveState,SubState,Result,InvocationID,ExecMainCode,ExecMainStatus,ConditionResult -- "$u")
END
}
give_up() {
    journalctl -q -n 12 --no-pager -o cat -u "$u" >&2 || :
    case $code in # as in siginfo_t: CLD_EXITED, CLD_KILLED, CLD_DUMPED
    1) how="its process ended with exit status $status" ;;
    2|3) how="its process was killed by signal $status" ;;
    *) how="its result is ${result:-not known}" ;;
    esac
    echo "hadeploy: $u $1: $how" >&2
    exit 1
}
