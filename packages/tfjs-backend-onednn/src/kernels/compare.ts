import { defineBinary, defineUnary } from '../elementwise.js';

defineBinary(['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'], ['float32', 'int32', 'bool'], {
  result: 'bool',
});
defineBinary(['LogicalAnd', 'LogicalOr'], ['bool'], { result: 'bool' });
defineUnary(['LogicalNot'], ['bool'], { result: 'bool' });
