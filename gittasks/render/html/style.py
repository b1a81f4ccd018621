"""The style of the page: light and dark, from 320 pixels to a wide screen, and on paper.

Colours have the contrast that WCAG 2 asks for at level AA: 4.5 for text, 3 for what is drawn.
"""

from __future__ import annotations

_DARK = """
  --back: #0d1117; --panel: #161b22; --text: #e6edf3; --quiet: #9da7b3; --line: #3d444d;
  --link: #6cb6ff; --completed: #3fb950; --running: #d29922; --pending: #8b949e;
  --warn: #ff9492; --rest: #30363d; --on-warn: #0d1117; --area: #17351f; --critical: #e58fff;
"""

CSS = (
    """
:root {
  color-scheme: light dark;
  --back: #ffffff; --panel: #f6f8fa; --text: #1f2328; --quiet: #57606a; --line: #d0d7de;
  --link: #0550ae; --completed: #1a7f37; --running: #9a6700; --pending: #6e7781;
  --warn: #a40e26; --rest: #d8dee4; --on-warn: #ffffff; --area: #dafbe1; --critical: #8250df;
}
@media screen and (prefers-color-scheme: dark) { :root {"""
    + _DARK
    + """} }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
a { color: var(--link); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible {
  outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px;
}
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
h1, h2, h3, h4 { line-height: 1.25; margin: 1.5rem 0 .5rem; }
h1 { font-size: 1.6rem; margin-top: 0; }
h2 { font-size: 1.25rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1.05rem; }
h4 { font-size: 1rem; margin: .75rem 0 .25rem; }
p, ul { margin: .5rem 0; }
ul { padding-left: 1.5rem; }
code { font: .9em ui-monospace, monospace; }
.plain, .legend, nav ul { list-style: none; padding: 0; }
.list-id, .note, .more, footer, caption, .detail, .owner { color: var(--quiet); }
.list-id { margin: 0; }
.summary { font-size: 1.15rem; }
.warn { color: var(--warn); }
.detail { padding-left: 1rem; white-space: pre-wrap; }
nav ul, .legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
svg { display: block; overflow: visible; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
.start { text-anchor: start; } .middle { text-anchor: middle; } .end { text-anchor: end; }

.bar { width: 100%; height: 10px; background: var(--rest); border-radius: 5px; overflow: hidden; }
.bar .completed { fill: var(--completed); }
.bar .in-progress { fill: var(--running); }
header .bar { height: 14px; border-radius: 7px; }
header .bar rect { height: 14px; }

.figures { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; }
.figures div {
  flex: 1 1 6rem; display: flex; flex-direction: column-reverse; padding: .5rem .75rem;
  background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
}
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }

table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
caption { text-align: left; font-size: .875rem; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem .3rem 0; font-weight: 400; }
thead th { color: var(--quiet); font-size: .875rem; overflow-wrap: normal; }
tbody tr { border-top: 1px solid var(--line); }
.phases td, .gantt td { vertical-align: middle; }
.phases td:nth-child(2) { width: 40%; }
.phases td:last-child, .gantt td:last-child { width: 6rem; white-space: nowrap; }
.phases td:last-child, .gantt td:last-child, .people td { font-variant-numeric: tabular-nums; }

.gantt { margin-top: 0; table-layout: fixed; }
.gantt th:first-child { width: 18rem; }
.gantt th:last-child { width: 6rem; }
.gantt caption, .gantt thead th { font-size: 0; line-height: 0; padding: 0; }
.gantt .owner { display: block; font-size: .875rem; }
.lead { padding: 0 6.5rem 0 18rem; }
.scroll .lead { position: sticky; top: 0; z-index: 1; background: var(--back); }
.scroll > .gantt { margin: 0; }
.axis { width: 100%; height: 28px; }
.strip { width: 100%; height: 16px; }
.strip use, .burn-up use { stroke: var(--line); fill: none; }
.gap { fill: var(--rest); stroke: none; opacity: .6; }
.s-running { fill: var(--running); }
.s-completed { fill: var(--completed); }
.s-skipped { fill: var(--pending); }
.s-released, .s-handed-over, .s-deleted {
  fill: var(--back); stroke: var(--pending); stroke-width: 2; stroke-dasharray: 3 2;
}
.reopened { fill: var(--back); stroke: var(--warn); stroke-width: 2; }
.legend { font-size: .875rem; color: var(--quiet); }
.legend li { display: flex; align-items: center; gap: .35rem; }
.legend svg { width: 24px; height: 12px; }

.burn-up { width: 100%; height: 170px; }
.burn-up path { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.burn-up .area { fill: var(--area); stroke: none; }
.burn-up .done { stroke: var(--completed); }
.burn-up .scope { stroke: var(--pending); stroke-dasharray: 5 3; }
.key { width: 24px; border-top: 2px solid var(--completed); }
.key.scope { border-top: 2px dashed var(--pending); }

.scroll {
  overflow: auto; max-height: 40rem; padding: 0 .5rem; border: 1px solid var(--line);
  border-radius: 6px;
}
.graph { margin: 0 auto; padding: 8px 0; box-sizing: content-box; }
.graph .edge { fill: none; stroke: var(--pending); stroke-width: 1.5; }
.graph .edge.critical { stroke: var(--critical); stroke-width: 2.5; }
.arrow { fill: var(--pending); }
.arrow-critical { fill: var(--critical); }
.node rect { fill: var(--panel); stroke: var(--pending); stroke-width: 1.5; }
.node text { font-size: 13px; fill: var(--text); pointer-events: none; }
.node .small { font-size: 11px; fill: var(--quiet); }
.node.completed rect { stroke: var(--completed); }
.node.in-progress rect { stroke: var(--running); stroke-width: 3; }
.node.blocked rect, .node.skipped rect { stroke-dasharray: 4 3; }
.node.critical rect { stroke: var(--critical); }
.node:focus-visible { outline: none; }
.node:focus-visible rect { stroke: var(--link); stroke-width: 4; }

summary { cursor: pointer; padding: .3rem 0; }
.task { border-top: 1px solid var(--line); }
.task > div { padding: 0 0 .75rem 1.25rem; scroll-margin-top: 4rem; }
.task > div:target { border-left: 3px solid var(--link); }
.mark { display: inline-block; width: 1.1em; text-align: center; font-weight: 700; }
.mark.completed, .state.completed { color: var(--completed); }
.mark.in-progress, .state.in-progress { color: var(--running); }
.mark.pending, .mark.skipped, .state.pending, .state.skipped { color: var(--quiet); }
.state { font-size: .875rem; }
.fields { margin: .25rem 0; }
.fields div { display: flex; gap: .5rem; }
.fields dt { flex: 0 0 6rem; color: var(--quiet); }
.fields dd { margin: 0; min-width: 0; }
.text { white-space: pre-wrap; margin: .5rem 0; }

body:has(#live) { padding-bottom: 3.5rem; }
#live {
  position: fixed; right: .5rem; bottom: .5rem; margin: 0; padding: .15rem .6rem; max-width: 90vw;
  background: var(--panel); border: 1px solid var(--line); border-radius: 1rem; font-size: .875rem;
}

@media (max-width: 64rem) {
  .odd { display: none; }
}
@media (max-width: 44rem) {
  body { padding: .75rem; }
  .lead { padding: 0; }
  .phases caption, .activity caption { display: block; }
  .phases thead, .activity thead {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .gantt tr, .phases tr { display: grid; grid-template-columns: 1fr auto; padding: .3rem 0; }
  .phases tr { grid-template-columns: 1fr 7rem; align-items: center; }
  .gantt tbody, .phases tbody, .gantt, .phases { display: block; }
  .gantt th:first-child, .gantt td { width: auto; }
  .gantt td:nth-child(2) { grid-row: 2; grid-column: 1 / -1; padding-right: 0; }
  .phases th { grid-column: 1 / -1; }
  .phases td:nth-child(2) { width: auto; }
  .gantt td:last-child, .phases td:last-child { width: auto; padding-right: 0; }
  .gantt .owner { display: inline; }
  .activity, .activity tbody, .activity tr, .activity td, .activity th { display: block; }
  .activity th, .activity td { padding: 0; }
  .activity tr { padding: .3rem 0; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, #live { display: none; }
  .scroll { max-height: none; overflow: visible; border: 0; padding: 0; }
  .scroll .lead { position: static; }
  .graph { max-width: 100%; height: auto; }
  .task, tr, .figures div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .task::details-content { display: block; content-visibility: visible; block-size: auto; }
  .bar, .strip, .burn-up, .graph, .key, .mark { print-color-adjust: exact; }
}
@media (forced-colors: active) {
  .bar, .strip, .burn-up, .graph { forced-color-adjust: none; }
}
"""
)
