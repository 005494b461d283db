export function textOf(door: string, bytes: Uint8Array): string;
