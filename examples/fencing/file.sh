#!/bin/sh
# Replaces a file by the text on stdin, unless a later holder of the lock has written the file.
#
#   make-report | baton lock jobs/report -- sh file.sh /srv/report.txt
#
# FILE.token has the greatest token of any writer. It is written before the file, so that a writer that is killed in
# between leaves the old text, which only a holder that is as new may replace. Exits with 76 if the write is refused.
set -eu
file=${1:?usage: file.sh FILE}
token=${BATON_FENCING_TOKEN:?run this below baton lock}

new=$(mktemp "$file.new-XXXXXX")
trap 'rm -f "$new" "$new.token"' EXIT
cat >"$new"

# Writers of this machine compare and write one after the other.
exec 9>>"$file.lock"
flock 9
seen=0
if [ -e "$file.token" ]; then read -r seen <"$file.token"; fi
if [ "$token" -lt "$seen" ]; then
  echo "$file was written by a later holder: token $token is less than $seen" >&2
  exit 76
fi
echo "$token" >"$new.token"
mv -f "$new.token" "$file.token"
mv -f "$new" "$file"
