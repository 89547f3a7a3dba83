export { isStudy, readRunData, readStudyData } from './node/read.js';
export { writeReport } from './node/write.js';
