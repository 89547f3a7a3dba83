// Every native kernel, a file per family, as native/ has them.
import './batch-norm.js';
import './concat.js';
import './convolution.js';
import './cross-entropy.js';
import './mat-mul.js';
import './pad.js';
import './pool.js';
import './reduction.js';
import './sgd-update.js';
import './shape.js';
import './slice.js';
import './softmax.js';
import './tile.js';
import './transpose.js';
