import { defineBinary, defineUnary } from '../elementwise.js';

defineBinary(
  ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'],
  ['float32', 'int32', 'bool'],
  'bool',
);
defineBinary(['LogicalAnd', 'LogicalOr'], ['bool'], 'bool');
defineUnary(['LogicalNot'], ['bool'], 'bool');
