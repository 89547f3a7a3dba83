import { styleText } from 'node:util';

// Plain where the stream is no terminal or NO_COLOR is set; FORCE_COLOR overrides.
type Stream = NodeJS.WriteStream;

export const bold = (text: string, stream: Stream) => styleText('bold', text, { stream });
export const red = (text: string, stream: Stream) => styleText('red', text, { stream });
