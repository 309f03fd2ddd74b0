// Java's own store, `cacerts` of $JAVA_HOME (else of the java on the PATH), by keytool. Java takes a root for any name, whatever its name
// constraints say (docs/discoveries/trust-stores.md).
import type { Facts, JavaStore, PlanEntry, RootToTrust, Target } from './trust-plan.ts';

/** The password that every JDK ships its cacerts with; it guards nothing, and keytool asks for one. */
const storePassword = 'changeit';

export function planJava(facts: Facts, root: RootToTrust): readonly PlanEntry[] {
  if (facts.javaStores.length > 0) return facts.javaStores.map((store) => javaTarget(store, root));
  return [missingTool];
}

/** The keystore of an earlier install. */
export function planKeystore(facts: Facts, keystore: string, root: RootToTrust): PlanEntry {
  const known = facts.javaStores.find((store) => store.keystore === keystore);
  const keytool = known?.keytool ?? facts.javaStores[0]?.keytool ?? facts.programs.get('keytool');
  if (keytool === undefined) return missingTool;
  return javaTarget(known ?? { keystore, keytool, isWritable: facts.isRoot }, root);
}

const missingTool: PlanEntry = {
  type: 'problem',
  store: 'java',
  label: 'cacerts',
  code: 'E_STORE_TOOL_MISSING',
  message: 'no Java with keytool and cacerts was found',
  hint: 'name one: JAVA_HOME=/path/to/jdk tapes ca install --store java',
};

function javaTarget(
  { keystore, keytool, isWritable }: JavaStore,
  { certificate, certificateFile }: RootToTrust,
): Target {
  const needsRoot = !isWritable;
  const where = ['-alias', certificate.name, '-keystore', keystore, '-storepass', storePassword];
  return {
    type: 'target',
    store: 'java',
    target: keystore,
    label: keystore,
    place: keystore,
    probe: {
      type: 'output',
      argv: [keytool, '-list', '-rfc', ...where],
      shows: certificate.certificatePem,
      otherwise: 'foreign',
    },
    install: [{ argv: [keytool, '-importcert', '-noprompt', ...where, '-file', certificateFile], needsRoot }],
    uninstall: [{ argv: [keytool, '-delete', '-noprompt', ...where], needsRoot }],
    note: 'Java does not honour what the root is limited to: guard its key well, and uninstall when you are done',
  };
}
