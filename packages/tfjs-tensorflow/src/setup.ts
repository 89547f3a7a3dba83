export { command } from './setup/command.js';
export { setUpTensorFlow, type SetUp, type SetUpOptions } from './setup/set-up.js';
