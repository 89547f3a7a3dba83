/** Text that is safe between tags and in attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}

/** A table with a caption; cells are text, and numbers stand to the right. */
export function htmlTable(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const numeric = head.map((_, i) => i > 0 && rows.every((row) => /^[-−+±\d.,%\s]*$/.test(row[i] ?? '')));
  const cell = (tag: string, text: string, i: number, scope = '') =>
    `<${tag}${scope}${numeric[i] === true ? ' class="number"' : ''}>${escapeHtml(text)}</${tag}>`;
  const header = head.map((text, i) => cell('th', text, i, ' scope="col"')).join('');
  const body = rows.map((row) => {
    const cells = row.map((text, i) => (i === 0 ? cell('th', text, i, ' scope="row"') : cell('td', text, i)));
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${header}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** A PNG inside the page. */
export function embeddedPng(bytes: Uint8Array, alternative: string, attributes = ''): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return `<img src="data:image/png;base64,${btoa(binary)}" alt="${escapeHtml(alternative)}"${attributes}>`;
}

/** A share in [0, 1] as percent. */
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
