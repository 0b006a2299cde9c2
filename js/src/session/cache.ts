/** Keeps the `limit` most recently used values. A promise that fails is forgotten, so that it can be tried again. */
export class Cache<K, V extends Promise<unknown>> {
  private readonly values = new Map<K, V>();

  constructor(private readonly limit: number) {}

  has(key: K): boolean {
    return this.values.has(key);
  }

  get(key: K, make: () => V): V {
    const value = this.values.get(key) ?? make();
    this.values.delete(key);
    this.values.set(key, value);
    if (this.values.size > this.limit) this.values.delete(this.values.keys().next().value as K);
    value.catch(() => this.values.get(key) === value && this.values.delete(key));
    return value;
  }

  clear(): void {
    this.values.clear();
  }
}
