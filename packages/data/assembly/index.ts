export { allocate, reset } from './memory';
export { componentTables, quantizationPointer } from './components';
export { buildHuffman } from './huffman';
export { decodeScan, want } from './scan';
export { colorRows, grayRows } from './color';
export { expandRgb, packRgb, resize, resizeRounded } from './resize';
export { changeAndInterleave, changeAndSum } from './colors';
