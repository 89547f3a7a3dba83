import { addCompletion } from './completion.js';
import { closeEngines } from './engines/closing.js';
import { reportFailure } from './failure.js';
import { program } from './program.js';

// Whoever reads the output may stop early, as head does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  await addCompletion(program);
  await program.parseAsync();
} catch (error) {
  reportFailure(error);
} finally {
  await closeEngines();
}
