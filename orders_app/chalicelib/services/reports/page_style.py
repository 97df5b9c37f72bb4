"""The page's style: one column on a phone, two on a desk, light or dark as the machine is, printable."""

STYLE = """
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#16202e;--soft:#566274;--line:#dfe4ea;
--accent:#1f5fbf;--calm:#a9c3e8;--mid:#6f9bd8;--rail:#e9eef5;--good:#0a6b3d;--bad:#a82218;--warn:#fff4d6;
--warn-ink:#5c4300;--warn-line:#e5c158}
@media (prefers-color-scheme:dark){:root{--paper:#0f141b;--card:#18202b;--ink:#e8edf4;--soft:#9dabbd;
--line:#2b3645;--accent:#6ea8ff;--calm:#33496a;--mid:#4a6f9f;--rail:#243041;--good:#5fd39a;--bad:#ff8f84;
--warn:#33290c;--warn-ink:#f3d78a;--warn-line:#7a6215}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);line-height:1.45;
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
-webkit-text-size-adjust:100%}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:36px;padding-bottom:8px}
h1{font-size:1.9rem;line-height:1.15;margin:0;letter-spacing:-.02em}
h2{font-size:1.1rem;margin:0 0 2px}
.kicker{margin:0 0 6px;color:var(--soft);font-size:.8rem;font-weight:600;letter-spacing:.08em;
text-transform:uppercase}
.lede{margin:10px 0 0;color:var(--soft);max-width:62ch}
.lede b{color:var(--ink);font-weight:600}
.notice{margin:18px 0 0;padding:14px 16px;border:1px solid var(--warn-line);border-radius:10px;
background:var(--warn);color:var(--warn-ink)}
.notice strong{display:block}
.cards{list-style:none;margin:22px 0;padding:0;display:grid;gap:14px;
grid-template-columns:repeat(5,minmax(0,1fr))}
.card,section{background:var(--card);border:1px solid var(--line);border-radius:14px}
.card{padding:16px 18px;min-width:0}
.card.lead{grid-column:1/-1;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1.2fr);
gap:4px 28px;align-items:end}
.label{color:var(--soft);font-size:.86rem}
.number{display:block;font-size:1.4rem;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;
overflow-wrap:anywhere}
.lead .number{font-size:2.7rem;line-height:1.1}
.deltas{list-style:none;margin:8px 0 0;padding:0;font-size:.86rem;color:var(--soft)}
.deltas li{display:flex;gap:6px;align-items:baseline;flex-wrap:wrap;padding:2px 0}
.card:not(.lead) .deltas li{display:block;padding:0}.card:not(.lead) .deltas span{display:block}
.card:not(.lead) .delta span{display:inline}.card:not(.lead) .deltas li+li{margin-top:6px}
.lead .deltas{font-size:.95rem;margin:0}
.delta{font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap;color:var(--soft)}
.good{color:var(--good)}.bad{color:var(--bad)}
.grid{display:grid;gap:14px;grid-template-columns:repeat(2,minmax(0,1fr));align-items:start}
.grid>div{display:grid;gap:14px;min-width:0}
section{padding:18px 20px;min-width:0}
section.wide{grid-column:1/-1}
section>p{margin:0 0 12px;color:var(--soft);font-size:.9rem}
figure{margin:0}
svg{display:block;width:100%;height:auto;overflow:visible;font-family:inherit}
svg text{fill:var(--soft);font-size:11.5px;font-variant-numeric:tabular-nums}
svg .name{fill:var(--ink);font-size:12.5px}svg .value{fill:var(--ink);font-size:12px;font-weight:600}
svg .end{text-anchor:end}svg .middle{text-anchor:middle}
svg .value.middle{font-size:10.5px}
svg line{stroke:var(--line);stroke-width:1}svg line.base{stroke:var(--soft)}
svg rect{fill:var(--calm)}svg .rail{fill:var(--rail)}svg .bar{fill:var(--accent)}
svg rect.now{fill:var(--accent)}svg rect.then{fill:var(--mid)}
svg text.now{fill:var(--ink);font-weight:700}
.key{display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0 0;padding:0;list-style:none;font-size:.82rem;
color:var(--soft)}
.key i{display:inline-block;width:.8em;height:.8em;border-radius:3px;margin-right:.45em;
background:var(--calm)}
.key .now{background:var(--accent)}.key .then{background:var(--mid)}
details{margin-top:12px}summary{cursor:pointer;color:var(--accent);font-size:.88rem}
.scroll{overflow-x:auto;margin-top:8px}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:7px 0 7px 16px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child{text-align:left;padding-left:0;font-weight:500;white-space:normal}
thead th{color:var(--soft);font-weight:600;font-size:.8rem;vertical-align:bottom}
tbody tr:last-child>*{border-bottom:0}
.empty{color:var(--soft);margin:0;padding:10px 0}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
footer{padding-top:18px;padding-bottom:40px;color:var(--soft);font-size:.82rem}
footer p{margin:0 0 6px;max-width:80ch;overflow-wrap:anywhere}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
@media (max-width:760px){header,main,footer{padding-left:14px;padding-right:14px}header{padding-top:22px}
h1{font-size:1.5rem}.cards{gap:10px;grid-template-columns:repeat(2,minmax(0,1fr))}
.card{padding:13px 14px}.number{font-size:1.25rem}
.card:last-child{grid-column:1/-1}
.card.lead{grid-column:1/-1;grid-template-columns:minmax(0,1fr);gap:8px}.lead .number{font-size:2.1rem}
.grid{grid-template-columns:minmax(0,1fr)}section{padding:15px 14px}}
@media print{body{background:#fff}.card,section{break-inside:avoid}details{display:none}}
"""
