#!/bin/sh
# Tries engines on what this software writes: `scripts/engines.sh [FOLDER]`, with DuckDB, Polars, deltalake and Spark.
# Installs a JRE (as root, where there is none) and pyspark from PyPI, makes the sample's ledger and a second position,
# exports both by year and the revisions as a Delta table, and asks ten queries of each, held against `main sql`.
# Spark's package of Delta comes from Maven, which is not asked: Spark reads the data files that the table's log lists.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)
python=${PYTHON:-$here/.venv/bin/python}
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if ! command -v java > /dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y openjdk-17-jre-headless > /dev/null
fi
command -v java > /dev/null || {
    echo "no java on this machine, and only root installs it: openjdk-17-jre-headless of Debian, or any of Java 17" >&2
    exit 1
}
java -version 2>&1 | head -1
if [ -z "${SPARK_PACKAGES:-}" ]; then
    # Again in the same folder, what is there is taken.
    [ -d "$folder/spark/pyspark" ] || "$python" -m pip install -q --target "$folder/spark" pyspark
    SPARK_PACKAGES=$folder/spark
fi
PYTHONPATH=$here:$SPARK_PACKAGES
B3_LEDGER_NOW=2026-02-13T23:00:00Z
PYSPARK_PYTHON=$python
LOG_LEVEL=ERROR
export PYTHONPATH B3_LEDGER_NOW PYSPARK_PYTHON LOG_LEVEL
cd "$folder"
main() { "$python" -m cli "$@"; }
for ticker in PETR4 ITUB4 VALE3 BBAS3; do
    main -q --no-network --ticker "$ticker" > /dev/null || [ $? = 1 ]
done
now=$(main sql "select count(*) as n from events" --format csv | tail -1)
then=7
for position in $then $now; do
    main export --format parquet --out "tree-$position" --as-of $((position - 1))
    main export --format delta --out revisions --as-of $((position - 1))
done
"$python" "$here/scripts/engines.py" "$folder" $then "$now"
