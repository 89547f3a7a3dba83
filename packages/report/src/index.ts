export type { Chart } from './charts/chart.js';
export { rangeTestChart } from './charts/range-test.js';
export { type Note, parseNote } from './notes.js';
export { comparison, type Report, runReport, studyReport } from './report.js';
export type { EpochRecord, Evaluation, Mistake, RunData, Scores, StepRecord, StudyData, StudyRow } from './run-data.js';
