import { library } from '../../tools/tsup.ts';
import { generate } from './generate.mjs';

await generate();
export default library(['src/index.ts', 'src/node.ts']);
