export function putInto(document: string, text: string): string;
