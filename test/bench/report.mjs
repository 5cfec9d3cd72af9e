/** The table and the chart of `docs/performance.md`. */
const escaped = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

const nameOf = ({ kind, name }) => (kind === 'node' ? `Node: ${name}` : name);

/** Columns: what, milliseconds, times a bare Node start, times `sh -c :`, the goal. */
export function table(rows) {
  return [
    '| whole process | median ms | × bare Node | × `sh -c :` | goal | tokens to the model |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => {
      const { median, ratio, shell, goal, tokens } = row;
      const shells = shell < 20 ? shell.toFixed(1) : '';
      return `| ${nameOf(row)} | ${median.toFixed(1)} | ${ratio.toFixed(2)} | ${shells} | ${goal ?? ''} | ${tokens || ''} |`;
    }),
  ].join('\n');
}

/** One bar a row, in the colours of the reader's scheme. */
export function chart(rows, title) {
  const [left, right, top, step] = [260, 130, 56, 26];
  const width = 820;
  const longest = Math.max(...rows.map(({ median }) => median));
  const room = width - left - right;
  const bars = rows.map((row, i) => {
    const { median, ratio, kind } = row;
    const y = top + i * step;
    const length = Math.max(2, (median / longest) * room);
    return [
      `<text class="name" x="${left - 10}" y="${y + 13}" text-anchor="end">${escaped(nameOf(row))}</text>`,
      `<rect class="${kind}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="18" rx="2"/>`,
      `<text class="value" x="${(left + length + 6).toFixed(1)}" y="${y + 13}">${median.toFixed(1)} ms${ratio === 1 ? '' : ` · ${ratio.toFixed(2)}×`}</text>`,
    ].join('\n  ');
  });
  const height = top + rows.length * step + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
  <style>
    text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
    .title { font-size: 15px; font-weight: 600; }
    .note, .value { fill: #59636e; }
    .back { fill: #ffffff; }
    .gate { fill: #1a7f37; } .node { fill: #0969da; } .base { fill: #8c959f; } .peer { fill: #9a6700; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .note, .value { fill: #9198a1; } .back { fill: #0d1117; }
      .gate { fill: #3fb950; } .node { fill: #4493f8; } .base { fill: #6e7681; } .peer { fill: #d29922; }
    }
  </style>
  <rect class="back" width="${width}" height="${height}" rx="6"/>
  <text class="title" x="16" y="24">${escaped(title)}</text>
  <text class="note" x="16" y="43">median of a whole process in ms, and × a bare Node start; shorter is better</text>
  ${bars.join('\n  ')}
</svg>
`;
}
