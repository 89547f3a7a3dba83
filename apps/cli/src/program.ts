import { createRequire } from 'node:module';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { demoSettings } from './demo-settings.js';
import { engineChoices } from './engines/names.js';
import { silence } from './progress.js';
import { bold } from './style.js';

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
const address = (text: string) => {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('expected an address such as https://example.org/files');
  }
  return text;
};
const byteUnits = { kB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const bytes = (text: string) => {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(kB|MB|GB|KiB|MiB|GiB)$/i.exec(text) ?? [];
  const [, factor] = Object.entries(byteUnits).find(([name]) => name.toLowerCase() === unit?.toLowerCase()) ?? [];
  const value = Math.floor(Number(digits) * (factor ?? NaN));
  if (!(value >= 1)) throw new InvalidArgumentError('expected a size such as 256MB');
  return value;
};
const collect = (value: string, previous: string[] | undefined) => [...(previous ?? []), value];
const backend = () => new Option('--backend <name>', 'engine').choices(engineChoices);

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
const examples = (...lines: string[]) =>
  `\n${bold('Examples:', process.stdout)}\n${lines.map((line) => `  ${line}`).join('\n')}`;

/** The whole command line; nothing of it has run yet. */
export const program = new Command('bag')
  .description('Train image classifiers with the whole bag of tricks (He et al. 2018).')
  .version(version)
  .option('-q, --quiet', 'results and errors only')
  .option('--verbose', 'show where an error comes from')
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: () => undefined })
  .configureHelp({ styleTitle: (title) => bold(title, process.stdout) })
  .hook('preAction', (_, command) => {
    if (command.optsWithGlobals().quiet === true) silence();
  });

program
  .command('train')
  .description('train a network; every flag overrides a key of the configuration')
  .argument('[config]', 'YAML or JSON file, or what comes with bag: see "bag recipes"')
  .option('--data <folder>', 'folders of images per class in train/ and val/, tar shards, CIFAR or MNIST files')
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
  .option('--init <weights>', 'start from a run, or from a file of PyTorch, safetensors or MXNet')
  .option('--freeze <names>', 'parameters that do not learn, such as "layer1.*" (repeatable)', collect)
  .option('--set <key=value>', 'any key, such as mixup.alpha=0.4 (repeatable)', collect)
  .option('--out <folder>', 'where the run goes')
  .option('--resume', 'go on from the newest checkpoint of --out, or of the newest run')
  .option('--dry-run', 'say what would be done, with every key of the configuration, and stop')
  .option('--json', 'one JSON object per event on standard output')
  .addHelpText(
    'after',
    examples(
      'npx bag train demo                                   a ready configuration',
      'npx bag train --data photos --model resnet20 -q      your images, without progress',
      'npx bag train cifar10/bag --data cifar --dry-run     what would be done, and the whole configuration',
      'npx bag train --resume                               go on with the newest run',
    ),
  )
  .action(async (config: string | undefined, flags: object) => {
    await (await import('./commands/train.js')).trainCommand(config, flags);
  });

program
  .command('find-lr')
  .description('learning-rate range test: a rate to start from, with a plot')
  .argument('[config]', 'YAML or JSON file, or what comes with bag: see "bag recipes"')
  .option('--data <folder>', 'folders of images per class in train/ and val/, tar shards, CIFAR or MNIST files')
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
  .addHelpText(
    'after',
    examples('npx bag find-lr demo', 'npx bag find-lr --data photos --model resnet20 --from 1e-4 --to 1'),
  )
  .action(async (config: string | undefined, flags: object) => {
    await (await import('./commands/find-lr.js')).findLrCommand(config, flags);
  });

program
  .command('ablate')
  .description("stack the tricks one by one, as the paper's tables do, on your data")
  .argument('[config...]', 'one as of train, whose key "ablation" may list rows of your own; or several: each is a row')
  .option('--data <folder>', 'folders of images per class in train/ and val/, tar shards, CIFAR or MNIST files')
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
  .addHelpText(
    'after',
    examples(
      'npx bag ablate demo --dry-run                        what would run, and how long',
      'npx bag ablate demo --seeds 5 --out runs/study',
      'npx bag ablate --out runs/study --seeds 6            go on with it, with one more seed',
      'npx bag ablate imagenet/resnet50d-efficient imagenet/resnet50d-cosine --data IMAGENET',
    ),
  )
  .action(async (configs: string[], flags: object) => {
    await (await import('./commands/ablate.js')).ablateCommand(configs, flags);
  });

program
  .command('eval')
  .description('top-1, top-5 and loss of a trained run')
  .argument('<run>', 'folder of a run, or a file of weights')
  .option('--data <folder>', "instead of the run's own data")
  .option('--model <name>', 'of weights that lie in no run: see "bag models"')
  .addOption(new Option('--variant <letter>', 'ResNet variant of such weights').choices(['a', 'b', 'c', 'd']))
  .option('--classes <file>', 'names of their classes, one per line')
  .option('--set <key=value>', 'any key of their configuration, such as normalization=paper (repeatable)', collect)
  .addOption(backend())
  .option('--json', 'as a JSON object')
  .addHelpText('after', examples('npx bag eval runs/mine', 'npx bag eval runs/mine --data other-photos --json'))
  .action(async (run: string, flags: object) => {
    await (await import('./commands/eval.js')).evalCommand(run, flags);
  });

program
  .command('predict')
  .description('the most likely classes of images')
  .argument('<run>', 'folder of a run, or a file of weights')
  .argument('<image...>', 'image files')
  .option('--top <k>', 'how many classes', whole(1))
  .option('--model <name>', 'of weights that lie in no run: see "bag models"')
  .addOption(new Option('--variant <letter>', 'ResNet variant of such weights').choices(['a', 'b', 'c', 'd']))
  .option('--classes <file>', 'names of their classes, one per line')
  .option('--set <key=value>', 'any key of their configuration, such as normalization=paper (repeatable)', collect)
  .addOption(backend())
  .option('--json', 'one JSON object per image')
  .addHelpText(
    'after',
    examples('npx bag predict runs/mine photo.jpg', 'npx bag predict runs/mine *.jpg --top 3 --json'),
  )
  .action(async (run: string, images: string[], flags: object) => {
    await (await import('./commands/predict.js')).predictCommand(run, images, flags);
  });

program
  .command('import')
  .description('make a run of pretrained weights: PyTorch (.pth, .th, .pt), safetensors, MXNet (.params)')
  .argument('<weights>', 'a file of torchvision, timm, gluon, or of other code with their names')
  .option('--model <name>', 'see "bag models"; weights of "bag export" tell it themselves')
  .addOption(new Option('--variant <letter>', 'ResNet variant').choices(['a', 'b', 'c', 'd']))
  .option('--classes <file>', 'names of the classes, one per line')
  .option('--data <folder>', 'data of the run; its folders name the classes')
  .option('--set <key=value>', 'any key of the configuration (repeatable)', collect)
  .option('--out <folder>', 'where the run goes')
  .option('--json', 'as a JSON object')
  .addHelpText(
    'after',
    examples(
      'npx bag import resnet50d.safetensors --model resnet50d --out runs/resnet50d',
      'npx bag import resnet20.th --model resnet20 --classes cifar10.txt',
      'npx bag import resnet50_v1d.params --model resnet50d --data IMAGENET',
    ),
  )
  .action(async (weights: string, flags: object) => {
    await (await import('./commands/import.js')).importCommand(weights, flags);
  });

program
  .command('export')
  .description('a trained network for other programs: torch names and layout, LayersModel, ONNX')
  .argument('<run>', 'folder of a run, or a file of weights')
  .addOption(
    new Option('--format <name>', 'what to write').choices(['safetensors', 'layers', 'onnx']).makeOptionMandatory(),
  )
  .option('--fold', 'each BatchNorm becomes part of its convolution (layers, onnx)')
  .option('--size <n>', 'fix the size of the images, in pixels (layers, onnx)', whole(8))
  .option('--model <name>', 'of weights that lie in no run: see "bag models"')
  .addOption(new Option('--variant <letter>', 'ResNet variant of such weights').choices(['a', 'b', 'c', 'd']))
  .option('--classes <file>', 'names of their classes, one per line')
  .option('--set <key=value>', 'any key of their configuration, such as normalization=paper (repeatable)', collect)
  .option('--out <path>', 'where it goes')
  .option('--json', 'as a JSON object')
  .addHelpText(
    'after',
    examples(
      'npx bag export runs/mine --format safetensors --out mine.safetensors',
      'npx bag export runs/mine --format onnx --fold --out mine.onnx',
      'npx bag export runs/mine --format layers --out mine-layers',
    ),
  )
  .action(async (run: string, flags: unknown) => {
    const { exportCommand } = await import('./commands/export.js');
    await exportCommand(run, flags as Parameters<typeof exportCommand>[1]);
  });

program
  .command('report')
  .description('one HTML file: curves, scores, first batch, confusions, the configuration; charts as SVG beside it')
  .argument('<run...>', 'folders of runs, or that of a study')
  .option('--out <file>', 'where the page goes')
  .addHelpText(
    'after',
    examples('npx bag report runs/mine', 'npx bag report runs/a runs/b --out both.html', 'npx bag report runs/study'),
  )
  .action(async (folders: string[], flags: object) => {
    await (await import('./commands/report.js')).reportCommand(folders, flags);
  });

program
  .command('recipes')
  .description("every configuration that comes with bag: the rows of the paper's tables, CIFAR-10, the demo")
  .option('--json', 'as a JSON list')
  .addHelpText('after', examples('npx bag recipes', 'npx bag recipes --json'))
  .action(async (flags: object) => {
    await (await import('./commands/recipes.js')).recipesCommand(flags);
  });

program
  .command('models')
  .description('every model: parameters, multiply-adds, variants')
  .option('--json', 'as a JSON list')
  .addHelpText('after', examples('npx bag models', 'npx bag models --json'))
  .action(async (flags: object) => {
    (await import('./commands/models.js')).modelsCommand(flags);
  });

program
  .command('doctor')
  .description('engines: versions, speed, what is missing and how to add it')
  .option('--json', 'as a JSON object')
  .addHelpText('after', examples('npx bag doctor', 'npx bag doctor --json'))
  .action(async (flags: object) => {
    await (await import('./commands/doctor.js')).doctorCommand(flags);
  });

program
  .command('bench')
  .description('time a training step on random images, or the input pipeline on a folder')
  .option('--model <name>', 'see "bag models" (default: resnet20)')
  .addOption(new Option('--variant <letter>', 'ResNet variant, b by default').choices(['a', 'b', 'c', 'd']))
  .option('--batch <n>', 'images per step (default: 128; of large images 16)', whole(1))
  .option('--size <n>', 'pixels on a side (default: 32; of ImageNet models 224)', whole(8))
  .addOption(new Option('--precision <name>', 'of activations').choices(['fp32', 'bf16', 'fp16']))
  .addOption(backend())
  .option('--threads <n>', 'of the engine, onednn or tensorflow', whole(1))
  .option('--steps <n>', 'steps to time (default: 10)', whole(1))
  .option('--warmup <n>', 'steps before, not timed (default: 2)', whole(0))
  .option('--inference', 'the forward pass alone')
  .option('--input <folder>', 'time the input pipeline on these images instead')
  .option('--workers <n>', 'decoding threads (with --input; default: 1)', whole(1))
  .option('--passes <n>', 'passes to time (with --input; default: 3)', whole(1))
  .option('--json', 'as a JSON object')
  .addHelpText(
    'after',
    examples(
      'npx bag bench',
      'npx bag bench --model resnet50 --variant d --precision bf16 --steps 5 --json',
      'npx bag bench --model resnet50 --batch 1 --inference --backend wasm',
      'npx bag bench --input photos --workers 2 --json',
    ),
  )
  .action(async (flags: unknown) => {
    const { benchCommand } = await import('./commands/bench.js');
    await benchCommand(flags as Parameters<typeof benchCommand>[0]);
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
  .addHelpText('after', examples('npx bag data make shapes --classes 5 --train 500 --validation 200'))
  .action(async (folder: string, flags: unknown) => {
    const { dataMakeCommand } = await import('./commands/data-make.js');
    await dataMakeCommand(folder, flags as Parameters<typeof dataMakeCommand>[1]);
  });

data
  .command('get')
  .description("download a data set and verify it by its publisher's sums; goes on where it was")
  .addArgument(new Argument('<name>', 'the data set').choices(['cifar10', 'cifar100', 'mnist', 'fashion-mnist']))
  .argument('[folder]', 'where it goes (default: data/NAME)')
  .option('--from <url>', 'a folder on the web with the same files', address)
  .option('--json', 'as a JSON object')
  .addHelpText(
    'after',
    examples(
      'npx bag data get cifar10                             to data/cifar10',
      'npx bag data get mnist digits --from http://mirror.example/mnist',
    ),
  )
  .action(async (name: string, folder: string | undefined, flags: object) => {
    await (await import('./commands/data-get.js')).dataGetCommand(name, folder, flags);
  });

data
  .command('pack')
  .description('pack a folder of images into tar shards in a random order, which are fast to read from any disk')
  .argument('<folder>', 'train/ and val/ (or test/) with a folder per class')
  .argument('<out>', 'a new folder')
  .addOption(new Option('--shard-size <size>', 'of a shard at most, such as 1GB (default: 256MB)').argParser(bytes))
  .addOption(new Option('--images-per-shard <n>', 'instead of a size').argParser(whole(1)).conflicts('shardSize'))
  .option('--seed <n>', 'of the order', whole(0), 0)
  .option('--resize <edge>', 'shrink larger images to this shorter edge, as JPEG', whole(1))
  .option('--json', 'as a JSON object')
  .addHelpText(
    'after',
    examples('npx bag data pack photos packed', 'npx bag data pack photos packed --resize 256 --images-per-shard 5000'),
  )
  .action(async (folder: string, out: string, flags: unknown) => {
    const { dataPackCommand } = await import('./commands/data-pack.js');
    await dataPackCommand(folder, out, flags as Parameters<typeof dataPackCommand>[2]);
  });

data
  .command('check')
  .description('decode every image; list unreadable, truncated, duplicate and oddly sized ones')
  .argument('<folder>', 'train/ and val/ (or test/) with a folder per class or tar shards, or files of CIFAR or MNIST')
  .option('--all', 'list every finding, not the first of each kind')
  .option('--workers <n>', 'decoding threads', whole(1))
  .option('--json', 'as a JSON object')
  .addHelpText('after', examples('npx bag data check photos'))
  .action(async (folder: string, flags: object) => {
    await (await import('./commands/data-check.js')).dataCheckCommand(folder, flags);
  });

program
  .command('demo')
  .description('the main job: baseline against the whole bag on the embedded data set')
  .option('--out <folder>', 'where the runs go')
  .addOption(backend())
  .option('--seed <n>', 'of everything random', whole(0))
  .addOption(
    new Option('--setting <name>', 'full or small; by default small where full would take over four minutes').choices(
      demoSettings,
    ),
  )
  .option('--set <key=value>', 'any key of the three runs but what sets them apart (repeatable)', collect)
  .addHelpText('after', examples('npx bag demo --out runs/demo --seed 1', 'npx bag demo --setting small'))
  .action(async (flags: object) => {
    await (await import('./commands/demo.js')).demoCommand(flags);
  });

function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    child.option('-q, --quiet', 'results and errors only').option('--verbose', 'show where an error comes from');
    inherit(child);
  }
}
inherit(program);
