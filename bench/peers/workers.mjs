import cluster from 'node:cluster'

/** Runs `serve` in WORKERS processes that share a port; SIGTERM ends them all. */
export async function inWorkers(serve) {
  if (cluster.isWorker) {
    await serve({ url: process.env.DATABASE_URL, port: Number(process.env.PORT), host: '127.0.0.1' })
    return
  }
  for (let left = Number(process.env.WORKERS ?? 2); left > 0; left--) cluster.fork()
  let ending = false
  const end = () => {
    ending = true
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
  }
  process.on('SIGTERM', end)
  // Half of the workers would be half of the peer: one that fails takes the others with it.
  cluster.on('exit', () => {
    if (ending) return
    process.exitCode = 1
    end()
  })
}
