// Every native kernel, a file per family, as native/ has them.
import './arg-extreme.js';
import './batch-norm.js';
import './convolution.js';
import './cross-entropy.js';
import './cumulative.js';
import './mat-mul.js';
import './reduction.js';
import './sgd-update.js';
import './shape.js';
import './softmax.js';
import './top-k.js';
