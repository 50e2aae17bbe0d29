import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { jsonPgSmartTags } from 'postgraphile/utils'
import { makePgService } from 'postgraphile/adaptors/pg'
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter'

// The tables say that a project member is an organization member, who is a user: with this it is one step.
const shortcut = jsonPgSmartTags({
  version: 1,
  config: { class: { project_members: { tags: { foreignKey: '(user_id) references users (id)' } } } },
})

export const preset = (url) => ({
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset],
  plugins: [shortcut],
  pgServices: [
    makePgService({
      connectionString: url,
      schemas: ['public'],
      pubsub: false,
      // Of a worker. PostgreSQL chooses well by itself when to plan anew: pages seldom, searches each time.
      poolConfig: { max: 4 },
    }),
  ],
  grafserv: { graphiql: false, watch: false, outputDataAsString: true },
})
