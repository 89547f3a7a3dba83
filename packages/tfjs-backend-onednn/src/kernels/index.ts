// Every native kernel, a file per family, as native/ has them.
import './batch-norm.js';
import './convolution.js';
import './mat-mul.js';
import './pool.js';
import './sgd-update.js';
import './shape.js';
