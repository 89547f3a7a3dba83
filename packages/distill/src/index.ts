export { distillationDivergence, type DistillationDivergenceOptions } from './distillation-divergence.js';
export { distillationLoss, type DistillationLossOptions, gluonWeights } from './distillation-loss.js';
export { type Teacher, teacher, type TeacherModel } from './teacher.js';
