/** A line that a run says when it begins, as the table of the tricks has it. */
export interface Note {
  /** What it is about: `label smoothing`. */
  subject: string;
  /** The rest of the line; a warning says that it is one. */
  text: string;
}

/**
 * Takes a note apart at its first colon.
 *
 * @example
 * parseNote('label smoothing: ε = 0.1'); // → { subject: 'label smoothing', text: 'ε = 0.1' }
 */
export function parseNote(note: string): Note {
  const [, warning = '', subject = note, text = ''] = /^(warning: )?([^:]+): (.*)$/s.exec(note) ?? [];
  return { subject, text: `${warning}${text}` };
}
