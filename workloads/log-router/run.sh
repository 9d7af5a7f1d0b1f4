# shellcheck shell=sh
# Runs the log router, and gives it time for the last words of the application.
#
# Fluent Bit holds the last line of text for a second, in case a stack trace follows, and throws away what it holds when
# it is told to stop. The application stops first, so what it printed last, the reason of its crash, would be lost.
"$@" &
router=$!
trap 'sleep 6; kill -TERM "$router"' TERM
# A signal ends `wait` early; the next one waits for the router itself.
wait "$router"
status=$?
while kill -0 "$router" 2>/dev/null; do
  wait "$router"
  status=$?
done
exit "$status"
