// How those who are told of traffic keep up with it.

/** Whether more is told than is taken. Whoever reads the traffic may then wait, and is called back soon, whatever happens. */
export interface Pace {
  isBehind(): boolean;
  /** To be called while it is behind: calls back once, when there is no more reason to wait. */
  whenNotBehind(goOn: () => void): void;
}
