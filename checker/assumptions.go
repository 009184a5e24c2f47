package checker

const promiseAssumptions = "the run itself is sound: it ran to its end, the topics were empty, every identity is unique, no file is missing or altered, the clock did not run backwards, every fault ended, and the log was read to its end"
