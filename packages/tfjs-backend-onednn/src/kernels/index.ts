// Every native kernel, a file per family, as native/ has them.
import './batch-norm.js';
import './binary.js';
import './cast.js';
import './compare.js';
import './convolution.js';
import './fill.js';
import './mat-mul.js';
import './select.js';
import './sgd-update.js';
import './shape.js';
import './unary.js';
