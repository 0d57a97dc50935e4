#!/bin/sh
# Stores the text on stdin in a row of a SQLite database, unless a later holder of the lock has written the row.
#
#   make-report | baton lock jobs/report -- sh sqlite.sh /srv/reports.db daily
#
# One statement compares the token and writes, so SQLite lets no other writer come between. Exits with 76 if the write is
# refused.
set -eu
database=${1:?usage: sqlite.sh DATABASE NAME}
name=$(printf '%s' "${2:?usage: sqlite.sh DATABASE NAME}" | sed "s/'/''/g")
token=$((${BATON_FENCING_TOKEN:?run this below baton lock} + 0))

body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat >"$body"

written=$(sqlite3 -bail -cmd '.timeout 10000' "$database" "
  CREATE TABLE IF NOT EXISTS report (name TEXT PRIMARY KEY, token INTEGER NOT NULL, body TEXT NOT NULL);
  INSERT INTO report VALUES ('$name', $token, CAST(readfile('$body') AS TEXT))
    ON CONFLICT (name) DO UPDATE SET token = excluded.token, body = excluded.body
    WHERE excluded.token >= report.token;
  SELECT changes();")
if [ "$written" != 1 ]; then
  echo "$name was written by a later holder than the one with token $token" >&2
  exit 76
fi
