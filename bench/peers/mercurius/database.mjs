import pg from 'pg'

/** Connections that statements are written to without waiting for the answers to those before. */
export class Database {
  #clients
  #next = 0
  #names = new Map()

  constructor(url, connections, planCacheMode) {
    const config = { connectionString: url, pipeline: true, options: `-c plan_cache_mode=${planCacheMode}` }
    this.#clients = Array.from({ length: connections }, () => new pg.Client(config))
  }

  async connect() {
    await Promise.all(this.#clients.map((client) => client.connect()))
  }

  /** Rows of a statement, which is prepared once per connection. */
  async rows(text, values) {
    let name = this.#names.get(text)
    if (name === undefined) this.#names.set(text, (name = `s${this.#names.size}`))
    this.#next = (this.#next + 1) % this.#clients.length
    const { rows } = await this.#clients[this.#next].query({ name, text, values })
    return rows
  }
}
