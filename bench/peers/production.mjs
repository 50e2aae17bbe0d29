// Imported before the libraries, which read it when they are loaded.
process.env.NODE_ENV = 'production'
process.env.GRAPHILE_ENV = 'production'
