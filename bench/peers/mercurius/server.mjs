import '../production.mjs'

import fastify from 'fastify'
import mercurius from 'mercurius'

import { inWorkers } from '../workers.mjs'
import { Database } from './database.mjs'
import { loaders, resolvers, schema } from './schema.mjs'

// Of a worker, of each kind. With more, the same requests cost more CPU, here and in PostgreSQL.
const CONNECTIONS = 2

await inWorkers(async ({ url, port, host }) => {
  // Left to itself, PostgreSQL plans the pages anew each time, which costs more than reading them, to find the same
  // plan. What is best for a search hangs on its term.
  const database = new Database(url, CONNECTIONS, 'force_generic_plan')
  const searching = new Database(url, CONNECTIONS, 'force_custom_plan')
  await Promise.all([database.connect(), searching.connect()])

  const app = fastify()
  app.register(mercurius, {
    schema,
    resolvers: resolvers(database, searching),
    loaders: loaders(database),
    jit: 1,
  })
  await app.listen({ port, host })
})
