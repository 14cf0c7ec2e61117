#!/usr/bin/env bash
# Installs what the tests need, builds, publishes the broker and runs every test.
#
#   tests/run.sh [--only PROJECT]... [--filter EXPRESSION] [--no-install]
#
# --only      run just this test project (a folder under tests/); may be repeated
# --filter    a test filter of `dotnet test`
# --no-install  take the machine as it is; tests whose client is missing fail and say which
#
# Longer campaigns: BROKER_FUZZ_FRAMES=100000000, BROKER_SIMULATION_SEEDS=100000 and the like; see CONTRIBUTING.md.
# A test that hangs for BROKER_TEST_HANG_TIMEOUT (default 8m; longer for longer campaigns) ends the run of its project, is named and counts as failed.
# Ends with one line: N passed, N failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
cd "$root" || exit 1
only=() filter=() install=1
while [ $# -gt 0 ]; do
  case $1 in
    --only) only+=("$2"); shift 2 ;;
    --filter) filter=(--filter "$2"); shift 2 ;;
    --no-install) install=0; shift ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
done
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 UseSharedCompilation=true

say() { printf '\n== %s (%(%H:%M:%S)T)\n' "$1" -1; }

if [ $install = 1 ]; then
  say "Installing clients"
  bash "$here/install-clients.sh" || { echo "0 passed, 1 failed"; exit 1; }
fi

say "Building"
dotnet build Broker.sln -c Release -v q --nologo || { echo "The build failed"; echo "0 passed, 1 failed"; exit 1; }

if [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" EndToEnd "* ]]; then
  say "Publishing the broker"
  dotnet publish src/Broker.Host -c Release -o "$root/artifacts/broker" -v q --nologo || { echo "Publishing failed"; echo "0 passed, 1 failed"; exit 1; }
fi

passed=0 failed=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for project in "$here"/*/*.csproj; do
  name=$(basename "$(dirname "$project")")
  [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $name "* ]] || continue
  say "Testing $name"
  dotnet test "$project" -c Release --no-build --nologo "${filter[@]}" --blame-hang-timeout "${BROKER_TEST_HANG_TIMEOUT:-8m}" --blame-hang-dump-type none --results-directory "$results/attachments" \
    --logger "console;verbosity=minimal" --logger "trx;LogFileName=$results/$name.trx" 2>&1 | tee "$results/$name.log"
  status=${PIPESTATUS[0]}
  counters=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null | tail -1)
  p=$(sed -n 's/.* passed="\([0-9]*\)".*/\1/p' <<<"$counters") f=$(sed -n 's/.* failed="\([0-9]*\)".*/\1/p' <<<"$counters")
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
  # A run that broke off is a failure too, whatever it counted before: the tests after the one that hung or crashed were not run.
  if grep -q '^Test Run Aborted' "$results/$name.log"; then
    echo "$name broke off; running were:$(sed -n '/^The tests\{0,1\} running when the crash occurred/,/^$/{/^The test/d;/^$/d;s/^/ /;p}' "$results/$name.log" | tr '\n' ' ')"
    failed=$((failed + 1))
  elif [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; then
    echo "$name ended with status $status"
    failed=$((failed + 1))
  fi
done

say "Done"
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
