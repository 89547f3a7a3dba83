import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { didYouMean, UsageError } from './errors.js';

// Commands are loaded when they are called: `--help` must not wait for TensorFlow.js.

const whole = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new InvalidArgumentError(`expected a whole number ≥ ${least}`);
  return value;
};
const share = (text: string) => {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('expected a number from 0 to 1');
  return value;
};
const positive = (text: string) => {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('expected a number > 0');
  return value;
};
const collect = (value: string, previous: string[] | undefined) => [...(previous ?? []), value];
const backend = () => new Option('--backend <name>', 'engine').choices(['auto', 'tensorflow', 'wasm', 'cpu']);

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
const program = new Command('bag')
  .description('Train image classifiers with the whole bag of tricks (He et al. 2018).')
  .version(version)
  .option('--verbose', 'show where an error comes from')
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: () => undefined });

program
  .command('train')
  .description('train a network; every flag overrides a key of the configuration')
  .argument('[config]', 'YAML or JSON file')
  .option('--data <folder>', 'train/ and val/ (or test/) with a folder per class, or CIFAR binaries')
  .addOption(new Option('--dataset <name>', 'the embedded data set').choices(['synthetic']))
  .option('--model <name>', 'see "bag models"')
  .addOption(new Option('--variant <letter>', 'ResNet variant').choices(['a', 'b', 'c', 'd']))
  .addOption(new Option('--recipe <name>', 'defaults of all keys (default: bag)').choices(['baseline', 'bag']))
  .option('--epochs <n>', 'passes over the data', whole(1))
  .option('--batch <n>', 'images per step', whole(1))
  .addOption(backend())
  .addOption(new Option('--precision <name>', 'of activations').choices(['fp32', 'bf16', 'fp16']))
  .option('--seed <n>', 'of everything random', whole(0))
  .option('--teacher <run>', 'learn from a trained run')
  .option('--set <key=value>', 'any key, such as mixup.alpha=0.4 (repeatable)', collect)
  .option('--out <folder>', 'where the run goes')
  .option('--resume', 'go on from the newest checkpoint of --out, or of the newest run')
  .option('--dry-run', 'say what would be done, with every key of the configuration, and stop')
  .option('--json', 'one JSON object per event on standard output')
  .action(async (config: string | undefined, flags: object) => {
    await (await import('./commands/train.js')).trainCommand(config, flags);
  });

program
  .command('find-lr')
  .description('learning-rate range test: a rate to start from, with a plot')
  .argument('[config]', 'YAML or JSON file')
  .option('--data <folder>', 'train/ and val/ (or test/) with a folder per class, or CIFAR binaries')
  .option('--model <name>', 'see "bag models"')
  .addOption(new Option('--variant <letter>', 'ResNet variant').choices(['a', 'b', 'c', 'd']))
  .option('--batch <n>', 'images per step', whole(1))
  .addOption(backend())
  .option('--seed <n>', 'of everything random', whole(0))
  .option('--set <key=value>', 'any key (repeatable)', collect)
  .option('--from <rate>', 'the first rate', positive, 1e-5)
  .option('--to <rate>', 'the last rate', positive, 10)
  .option('--steps <n>', 'how many', whole(10), 100)
  .option('--out <file>', 'where the plot goes, as SVG', 'find-lr.svg')
  .option('--json', 'as a JSON object')
  .action(async (config: string | undefined, flags: object) => {
    await (await import('./commands/find-lr.js')).findLrCommand(config, flags);
  });

program
  .command('ablate')
  .description("stack the tricks one by one, as the paper's tables do, on your data")
  .argument('[config]', 'YAML or JSON file; its key "ablation" lists rows of your own')
  .option('--data <folder>', 'train/ and val/ (or test/) with a folder per class, or CIFAR binaries')
  .option('--model <name>', 'see "bag models"')
  .option('--epochs <n>', 'passes over the data', whole(1))
  .option('--batch <n>', 'images per step', whole(1))
  .addOption(backend())
  .option('--seed <n>', 'the first seed', whole(0))
  .option('--seeds <n>', 'runs of each row', whole(1))
  .option('--budget <time>', 'choose the epochs so that all runs fit, such as 30m')
  .option('--teacher <run>', 'learn from a trained run instead of one of the study')
  .option('--set <key=value>', 'any key of all rows (repeatable)', collect)
  .option('--out <folder>', 'where the study goes; one that is there goes on')
  .option('--dry-run', 'say what would run and how long it takes')
  .option('--json', 'the table as a JSON object')
  .action(async (config: string | undefined, flags: object) => {
    await (await import('./commands/ablate.js')).ablateCommand(config, flags);
  });

program
  .command('eval')
  .description('top-1, top-5 and loss of a trained run')
  .argument('<run>', 'folder of a run, or a .safetensors file in one')
  .option('--data <folder>', "instead of the run's own data")
  .addOption(backend())
  .option('--json', 'as a JSON object')
  .action(async (run: string, flags: object) => {
    await (await import('./commands/eval.js')).evalCommand(run, flags);
  });

program
  .command('predict')
  .description('the most likely classes of images')
  .argument('<run>', 'folder of a run, or a .safetensors file in one')
  .argument('<image...>', 'image files')
  .option('--top <k>', 'how many classes', whole(1))
  .addOption(backend())
  .option('--json', 'one JSON object per image')
  .action(async (run: string, images: string[], flags: object) => {
    await (await import('./commands/predict.js')).predictCommand(run, images, flags);
  });

program
  .command('report')
  .description('one HTML file: curves, scores, first batch, confusions, the configuration; charts as SVG beside it')
  .argument('<run...>', 'folders of runs, or that of a study')
  .option('--out <file>', 'where the page goes')
  .action(async (folders: string[], flags: object) => {
    await (await import('./commands/report.js')).reportCommand(folders, flags);
  });

program
  .command('models')
  .description('every model: parameters, multiply-adds, variants')
  .option('--json', 'as a JSON list')
  .action(async (flags: object) => {
    (await import('./commands/models.js')).modelsCommand(flags);
  });

program
  .command('doctor')
  .description('engines: versions, speed, what is missing and how to add it')
  .option('--json', 'as a JSON object')
  .action(async (flags: object) => {
    await (await import('./commands/doctor.js')).doctorCommand(flags);
  });

const data = program.command('data').description('data sets');
data
  .command('make')
  .description('write the embedded data set as a folder of images')
  .argument('<folder>', 'a new folder')
  .option('--classes <n>', 'number of classes', whole(2), 10)
  .option('--train <n>', 'training images', whole(1), 2000)
  .option('--validation <n>', 'validation images', whole(1), 1000)
  .option('--size <n>', 'pixels on a side', whole(8), 32)
  .option('--seed <n>', 'of the drawing', whole(0), 0)
  .option('--label-noise <share>', 'wrong training labels', share, 0.05)
  .action(async (folder: string, flags: unknown) => {
    const { dataMakeCommand } = await import('./commands/data-make.js');
    await dataMakeCommand(folder, flags as Parameters<typeof dataMakeCommand>[1]);
  });

data
  .command('check')
  .description('decode every image; list unreadable, truncated, duplicate and oddly sized ones')
  .argument('<folder>', 'train/ and val/ (or test/) with a folder per class, or CIFAR binaries')
  .option('--all', 'list every finding, not the first of each kind')
  .option('--workers <n>', 'decoding threads', whole(1))
  .option('--json', 'as a JSON object')
  .action(async (folder: string, flags: object) => {
    await (await import('./commands/data-check.js')).dataCheckCommand(folder, flags);
  });

program
  .command('demo')
  .description('the main job: baseline against the whole bag on the embedded data set')
  .option('--out <folder>', 'where the runs go')
  .addOption(backend())
  .option('--seed <n>', 'of everything random', whole(0))
  .action(async (flags: object) => {
    await (await import('./commands/demo.js')).demoCommand(flags);
  });

/** One line for a wrong command or configuration; 2 for those, 1 for work that failed. */
function report(error: unknown): void {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return;
    process.exitCode = 2;
    if (error.code !== 'commander.help') console.error(unknownCommand(error) ?? error.message);
    return;
  }
  const known = explained(error);
  const usage = known instanceof UsageError;
  process.exitCode = usage ? 2 : 1;
  const { message, stack } = known;
  console.error(process.argv.includes('--verbose') ? stack : `error: ${message}`);
  if (!usage && !process.argv.includes('--verbose')) console.error('(--verbose shows where it comes from)');
}

const unusablePath = new Set(['ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'EEXIST', 'ENAMETOOLONG']);

/** What the system and the engine say, in words that help. */
function explained(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && unusablePath.has(code)) {
    return new UsageError(
      `cannot use ${path ?? 'the path'}: ${error.message.split(',')[0] ?? code}; name another place`,
      {
        cause: error,
      },
    );
  }
  if (error instanceof WebAssembly.RuntimeError) {
    const fix = 'lower --batch, and raise accumulate to keep the size of a step';
    return new Error(`the engine ran out of memory (${error.message}); ${fix}`, { cause: error });
  }
  return error;
}

function unknownCommand(error: CommanderError): string | undefined {
  const typed = error.code === 'commander.unknownCommand' ? /'(.*?)'/.exec(error.message)?.[1] : undefined;
  if (typed === undefined) return undefined;
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  const parent = words[0] === typed ? program : (program.commands.find((one) => one.name() === words[0]) ?? program);
  const names = parent.commands.map((command) => command.name());
  return `error: unknown command ${typed}${didYouMean(typed, names) || `; known are ${names.join(', ')}`}`;
}

function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    child.option('--verbose', 'show where an error comes from');
    inherit(child);
  }
}
inherit(program);

try {
  await program.parseAsync();
} catch (error) {
  report(error);
}
