// node check.mjs PORT OPERATIONS.json: sends each operation once to a peer that runs, the first of those that can
// be used only once, and prints what comes back.
import { readFileSync } from 'node:fs'

const [port, file] = process.argv.slice(2)
const number = Date.now()

for (const [workload, operations] of Object.entries(JSON.parse(readFileSync(file, 'utf8')))) {
  const { method, path, headers, body } = JSON.parse(JSON.stringify([operations].flat()[0]).replaceAll('{n}', number))
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers,
    body: body === null ? undefined : JSON.stringify(body),
  })
  console.log(workload, response.status, (await response.text()).slice(0, 200))
}
