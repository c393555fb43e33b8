#!/bin/sh
# Looks at a report as a reader's browser shows it: `scripts/look.sh [FOLDER]`, with Chromium, Node and npm.
# Writes reports of the sample, with an alert, a backup and a verification, in both languages, screenshots at two widths
# and a print to PDF into FOLDER, and fails on an error on the console, on any request, and on any violation that
# axe-core finds. Without a Chromium or Node it says so and checks nothing (exit 0); with LOOK_REQUIRED=1 that is a
# failure.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
folder=${1:-$(mktemp -d)}
python=${PYTHON:-$here/.venv/bin/python}

skipped() {
    echo "skipped: no $1 on this machine" >&2
    [ "${LOOK_REQUIRED:-0}" = 1 ] && exit 1
    exit 0
}

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skipped chromium
command -v node > /dev/null || skipped node
command -v npm > /dev/null || skipped npm
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

tools=$folder/tools
mkdir -p "$tools"
npm install --silent --no-audit --no-fund --prefix "$tools" axe-core@4 puppeteer-core@24 > /dev/null 2>&1 ||
    skipped "axe-core and puppeteer-core from npm"

PYTHONPATH=$here
export PYTHONPATH
(
    cd "$folder"
    for ticker in PETR4 ITUB4 VALE3 BBAS3; do
        "$python" -m cli -q --no-network --ticker "$ticker" > /dev/null || [ $? = 1 ]
    done
    "$python" -m cli -q backup --create --verify > /dev/null
    "$python" -m cli -q verify --record > /dev/null
    ALERTING_ENABLED=true "$python" -m cli -q alerts > /dev/null || [ $? = 1 ]
    for lang in en pt-BR; do
        "$python" -m cli report --lang "$lang" --out "report-$lang.html"
    done
)
BROWSER=$browser NODE_PATH=$tools/node_modules node "$here/scripts/look.js" "$folder"/*.html
echo "looked: $folder"
