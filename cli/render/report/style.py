"""The one style sheet of a report: for screens from 320 pixels on, and for paper. Pure."""

import base64
import hashlib

# Text on its ground has a contrast of at least 4.5 to 1, in the states' colours too.
CSS = """
:root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--pale:#f6f8fa;--blue:#0b5394;--ok:#1a6b2f;--warn:#8a4b00;
--bad:#b3261e;--late:#6a1b9a}
*{box-sizing:border-box}
body{margin:0 auto;max-width:80rem;padding:1rem 1.25rem 2rem;color:var(--ink);background:#fff;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
a{color:var(--blue)}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:#fff;padding:.25rem .75rem}
h1{font-size:1.75rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.35rem;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:2px solid var(--ink)}
h3{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.5rem 0;max-width:48rem}
.soft,caption,figcaption,footer{color:var(--soft);font-size:.875rem}
.note{border-left:4px solid var(--warn);padding:.25rem .75rem;background:var(--pale)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:1rem 0;padding:0}
.verdict{border:2px solid;border-radius:6px;padding:.75rem 1rem;max-width:none}
.verdict strong{display:block;font-size:1.2rem}
.verdict span{color:var(--ink)}
.ok{color:var(--ok)}.warning{color:var(--warn)}.critical{color:var(--bad)}
dl{display:flex;flex-wrap:wrap;gap:1px;margin:1rem 0;background:var(--line);border:1px solid var(--line)}
dl div{flex:1 1 16rem;background:#fff;padding:.5rem .75rem}
dt{color:var(--soft);font-size:.875rem}
dd{margin:0;overflow-wrap:anywhere}
code,pre{font:.875em/1.5 ui-monospace,"Liberation Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{white-space:pre-wrap;background:var(--pale);padding:.75rem 1rem;margin:.5rem 0}
.wide{overflow-x:auto;margin:.75rem 0 1.25rem}
.wide:focus-visible{outline:2px solid var(--blue)}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:0 0 .35rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
thead th{border-bottom:2px solid var(--soft);color:var(--soft);font-weight:600;white-space:normal;
vertical-align:bottom}
tbody th{font-weight:600}
.n{text-align:right}
.long{white-space:normal;min-width:11rem;overflow-wrap:anywhere}
figure{margin:.5rem 0 1rem}
svg{display:block;width:100%;height:auto;background:#fff}
svg text{font-size:20px;fill:var(--soft);stroke:#fff;stroke-width:6px;paint-order:stroke}
svg path{fill:none;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.g{stroke:var(--line);stroke-width:1px}
.c{stroke:var(--blue);stroke-width:1.5px}
.was{stroke:var(--warn);stroke-width:2px}
.correction{stroke:var(--warn);stroke-width:8px}
.withdrawn{stroke:var(--bad);stroke-width:2.5px}
.late{stroke:var(--late);stroke-width:2.5px}
.missing{stroke:var(--bad);stroke-width:2px}
.split{stroke:var(--ink);stroke-width:1.5px;stroke-dasharray:6 5}
.paid{stroke:var(--ok);stroke-width:2px}
figcaption ul{display:flex;flex-wrap:wrap;gap:0 1.25rem;list-style:none;margin:.25rem 0;padding:0}
figcaption b{font-weight:700}
.k-correction,.k-was{color:var(--warn)}.k-withdrawn,.k-missing{color:var(--bad)}.k-late{color:var(--late)}
.k-split{color:var(--ink)}.k-paid{color:var(--ok)}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.75rem;overflow-wrap:anywhere}
@media (max-width:40rem){body{padding:.5rem .75rem 1.5rem}svg text{font-size:37px;stroke-width:10px}
caption{max-width:calc(100vw - 2rem)}
.x{display:none}}
@media print{@page{size:A4;margin:14mm}body{max-width:none;padding:0;font-size:10pt}nav,.skip{display:none}
a{color:inherit;text-decoration:none}.wide{overflow:visible}table{font-size:7.5pt}th,td{padding:2pt 3pt}
.long{min-width:0}h2,h3,caption{break-after:avoid}
figure,tr,.verdict,dl div{break-inside:avoid}thead{display:table-header-group}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
""".replace("\n", "")

# What a browser must be told for it to apply this sheet and nothing else.
POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'"
)
