// The least that a function can be: no wrapper, no validator, no import.
export const empty = Object.assign(() => {}, {
  isMutation: true,
  isPublic: true,
  exportArgs: () => '{"type":"any"}',
  exportReturns: () => '{"type":"any"}',
  invokeMutation: async () => "null",
});
