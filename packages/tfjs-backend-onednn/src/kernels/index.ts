// Every native kernel, a file per family, as native/ has them.
import './batch-norm.js';
import './concat.js';
import './convolution.js';
import './gather.js';
import './mat-mul.js';
import './one-hot.js';
import './pad.js';
import './resize.js';
import './scatter.js';
import './sgd-update.js';
import './shape.js';
import './slice.js';
import './space.js';
import './tile.js';
import './transpose.js';
