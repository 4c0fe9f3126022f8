// Colours are variables, swapped by the reader's colour scheme; series 1 and 2 differ in lightness
// as well as in hue, so that they stay apart in print and to colour-blind eyes.
#include "report/style.h"

namespace hone::report {

const std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1d2126; --muted: #66707c; --line: #e3e5e8;
  --series-1: #1f62c4; --series-2: #d9730d; --series-3: #2a8a57; --series-4: #8a4fbf;
  --right: 31 98 196; --wrong: 214 72 40;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1b1f24; --ink: #e6e9ec; --muted: #98a2ad; --line: #2d333a;
    --series-1: #6ea8ff; --series-2: #f2a65a; --series-3: #62c48f; --series-4: #c09bea;
    --right: 78 140 240; --wrong: 240 100 64;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; }
h2 { margin: 3rem 0 .25rem; font-size: 1.15rem; font-weight: 650; }
p { margin: .25rem 0 1rem; }
.muted, footer { color: var(--muted); font-size: .875rem; }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: .75rem;
  margin: 1.75rem 0 0; padding: 0;
}
.figures div, .charts figure, .scroll, pre {
  background: var(--card); border: 1px solid var(--line); border-radius: 8px;
}
.figures div { padding: .8rem 1rem; display: flex; flex-direction: column; }
.figures dt { order: 2; color: var(--muted); font-size: .8rem; }
.figures dd {
  margin: 0; font-size: 1.5rem; line-height: 1.3; font-weight: 600;
  font-variant-numeric: tabular-nums;
}
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: .75rem; }
.charts figure { margin: 0; padding: .75rem; min-width: 0; }
.plot { display: block; width: 100%; height: auto; }
.plot text { fill: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; }
.plot .title { fill: var(--ink); font-size: 14px; font-weight: 600; }
.plot .grid { stroke: var(--line); }
.plot path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.plot .many { opacity: 0; }
.plot path.series-1 { stroke: var(--series-1); } .plot g.series-1 { fill: var(--series-1); }
.plot path.series-2 { stroke: var(--series-2); } .plot g.series-2 { fill: var(--series-2); }
.plot path.series-3 { stroke: var(--series-3); } .plot g.series-3 { fill: var(--series-3); }
.plot path.series-4 { stroke: var(--series-4); } .plot g.series-4 { fill: var(--series-4); }
.scroll { overflow-x: auto; padding: .75rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th { font-weight: 500; color: var(--muted); text-align: left; }
.rows { width: 100%; }
.rows th, .rows td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
.rows tr:last-child td { border-bottom: 0; }
.rows .number { text-align: right; }
.confusion { margin: 0 auto; border-spacing: 2px; border-collapse: separate; }
.confusion thead th { vertical-align: bottom; text-align: center; padding: 0 0 .35rem; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); }
.confusion tbody th { text-align: right; padding-right: .6rem; white-space: nowrap; }
.confusion tbody td { min-width: 2.9rem; height: 2.1rem; text-align: center; border-radius: 3px; }
.confusion .right { background: rgb(var(--right) / calc(.08 + .32 * var(--heat))); }
.confusion .wrong { background: rgb(var(--wrong) / calc(.05 + .55 * var(--heat))); }
.confusion .zero { color: var(--line); }
.confusion th.recall { padding-left: .75rem; }
.confusion td.recall { padding-left: .75rem; color: var(--muted); white-space: nowrap; }
.compact td, .compact thead span { font-size: 0; }
.compact { border-spacing: 1px; }
.compact tbody td { min-width: .4rem; height: .7rem; border-radius: 0; padding: 0; }
.compact td.recall, .compact tbody th { font-size: .65rem; line-height: 1; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.25rem, 1fr)); gap: 1rem .75rem; }
.gallery figure { margin: 0; min-width: 0; }
.gallery img {
  display: block; width: 100%; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated;
  background: #000; border-radius: 6px;
}
.gallery figcaption { margin-top: .35rem; font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere; }
.gallery b { font-weight: 600; }
.gallery span { display: block; color: var(--muted); }
pre {
  margin: .5rem 0 1rem; padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere;
  font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
details summary { cursor: pointer; color: var(--muted); font-size: .875rem; margin: .75rem 0; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 40rem) {
  main { padding: 1.5rem .9rem 3rem; }
  .figures { grid-template-columns: repeat(2, 1fr); }
  .charts { grid-template-columns: 1fr; }
  .plot text, .plot .title { font-size: 16px; }
  .rows { font-size: .8rem; }
  .rows th, .rows td { padding: .3rem .3rem; }
  .gallery { grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); }
  .confusion { margin: 0; font-size: .75rem; }
  .confusion tbody td { min-width: 2.2rem; height: 1.8rem; }
}
@media print { .figures div, .charts figure, .scroll, pre { break-inside: avoid; } }
)css";

}  // namespace hone::report
