// The part of an answer that derivation reads, declared here so that derive/ needs nothing of wire/.
export interface AnswerOutcome {
  readonly terminal: 'completed' | 'incomplete' | 'failed' | null;
  readonly incompleteReason: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}
