/** A file of a publisher. */
export interface PublishedFile {
  name: string;
  /** In hexadecimal digits, as its publisher gives it. */
  md5: string;
  /** Bytes. */
  size: number;
  /** What is unpacked from a `.tar.gz`, by its path in there; the archive is removed then. */
  members?: readonly string[];
}

/** Where a data set can be had. */
export interface CatalogueEntry {
  /** Folders on the web with these files, the best first. */
  places: readonly string[];
  files: readonly PublishedFile[];
  /** Class names, where no file has them. */
  classes?: readonly string[];
}

export type Catalogue = Readonly<Record<string, CatalogueEntry>>;

const idxFiles = (train: [string, number, string, number], test: [string, number, string, number]): PublishedFile[] =>
  (
    [
      ['train', train],
      ['t10k', test],
    ] as const
  ).flatMap(([prefix, [images, imagesSize, labels, labelsSize]]) => [
    { name: `${prefix}-images-idx3-ubyte.gz`, md5: images, size: imagesSize },
    { name: `${prefix}-labels-idx1-ubyte.gz`, md5: labels, size: labelsSize },
  ]);

/**
 * The data sets that can be downloaded. Sums of CIFAR: its home page (binary versions). Sums and places of the others:
 * torchvision's `datasets/mnist.py`.
 */
export const catalogue = {
  cifar10: {
    places: ['https://www.cs.toronto.edu/~kriz/'],
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        size: 170_052_171,
        members: [
          ...[1, 2, 3, 4, 5].map((i) => `cifar-10-batches-bin/data_batch_${i}.bin`),
          'cifar-10-batches-bin/test_batch.bin',
          'cifar-10-batches-bin/batches.meta.txt',
        ],
      },
    ],
  },
  cifar100: {
    places: ['https://www.cs.toronto.edu/~kriz/'],
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        md5: '03b5dce01913d631647c71ecec9e9cb8',
        size: 168_513_733,
        members: ['train.bin', 'test.bin', 'fine_label_names.txt', 'coarse_label_names.txt'].map(
          (file) => `cifar-100-binary/${file}`,
        ),
      },
    ],
  },
  mnist: {
    places: [
      'https://ossci-datasets.s3.amazonaws.com/mnist/',
      'https://storage.googleapis.com/cvdf-datasets/mnist/',
      'http://yann.lecun.com/exdb/mnist/',
    ],
    files: idxFiles(
      ['f68b3c2dcbeaaa9fbdd348bbdeb94873', 9_912_422, 'd53e105ee54ea40749a09fcbcd1e9432', 28_881],
      ['9fb629c4189551a2d022fa330f9573f3', 1_648_877, 'ec29112dd5afa0611ce80d1b7f02629c', 4_542],
    ),
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
  'fashion-mnist': {
    places: ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'],
    files: idxFiles(
      ['8d4fb7e6c68d591d4c3dfef9ec88bf0d', 26_421_880, '25c81989df183df01b3e8a0aad5dffbe', 29_515],
      ['bef4ecab320f06d8554ea6380940ec79', 4_422_102, 'bb300cfdad3c16e7a12a480ee83cd310', 5_148],
    ),
    classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  },
} as const satisfies Catalogue;

export type PublishedDataset = keyof typeof catalogue;
