/** Time between TERM and KILL, and between the loss of a hold and the latest end of its work. */
export const defaultGraceMs = 5000
/** Longest wait for the answer to a write after its caller has cancelled. */
export const lateAnswerMs = 1000
