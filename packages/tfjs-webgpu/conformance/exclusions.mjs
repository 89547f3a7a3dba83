/** Specs that fail, by the beginning of their names, each with its reason. */
export const exclusions = {
  // The backend has no such kernels.
  ...Object.fromEntries(
    [
      'bitwiseAnd',
      'raggedGather',
      'raggedRange',
      'raggedTensorToTensor',
      'sparseFillEmptyRows',
      'sparseReshape',
      'staticRegexReplace',
      'stringSplit',
      'stringToHashBucketFast',
      'unique',
      'nonMaxSuppression webgpu {} NonMaxSuppressionPadded',
    ].map((name) => [name, 'no kernel']),
  ),
  sparseSegmentMean: 'reads synchronously',
  sparseSegmentSum: 'reads synchronously',
  'threshold webgpu {} method otsu': 'the code for weighted counts of images does not compile',
  'fromPixels, mock canvas': 'needs a browser',
  'time cpu webgpu {} simple upload': 'nothing is uploaded before its use',
  'gather webgpu {} throws when index is out of bound': 'a GPU does not tell',
  // SwiftShader's functions: an absolute error of 2⁻¹¹ is allowed, and what becomes of a NaN is not said.
  'exp webgpu {} int32': 'inexact',
  'cos webgpu {} gradient': 'inexact',
  'tan webgpu {} numbers exceed float32 precision': 'inexact',
  'tan webgpu {} gradients: Tensor2D': 'inexact',
  'acosh webgpu {} propagates NaNs': 'loses a NaN',
  'asinh webgpu {} propagates NaNs': 'loses a NaN',
  'atanh webgpu {} propagates NaNs': 'loses a NaN',
};
