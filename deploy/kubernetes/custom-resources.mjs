// Holds custom resources among manifests to the schemas of KEDA and of the Prometheus operator: node custom-resources.mjs FILE...
// Their packages, which .ci/tools installs, stand in the folder CIOBRIDGE_SCHEMAS.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const modules = `${process.env.CIOBRIDGE_SCHEMAS}/node_modules`;
const { parseAllDocuments } = await import(pathToFileURL(`${modules}/yaml/dist/index.js`));
const packages = { "keda.sh": "@kubernetes-models/keda", "monitoring.coreos.com": "@kubernetes-models/prometheus-operator" };

let seen = 0;
for (const file of process.argv.slice(2)) {
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    const resource = document.toJS();
    const [group] = (resource?.apiVersion ?? "").split("/");
    if (!packages[group]) continue;
    const path = `${modules}/${packages[group]}/${resource.apiVersion}/${resource.kind}.js`;
    const { [resource.kind]: Model } = await import(pathToFileURL(path));
    try {
      new Model(resource).validate();
      seen++;
    } catch (wrong) {
      console.error(`${file}: ${resource.kind} ${resource.metadata?.name}: ${wrong.message}`);
      process.exitCode = 1;
    }
  }
}
console.log(`${seen} custom resources are as their schemas say`);
if (!seen) process.exitCode = 1;
