/**
 * What is called as the command. The command itself lies beside it, and does not parse in a Node that is too old; this can be read
 * by each that knows modules, and says so. It says, too, when a part of the command is missing or cannot be read.
 */
import { oldNodeForCommand, unloadable } from '../messages/old-node.ts';

if (Number.parseInt(process.versions.node, 10) >= 20) {
  import('./main.ts').catch((cause) => {
    console.error(unloadable(String(cause)));
    process.exitCode = 1;
  });
} else {
  console.error(oldNodeForCommand(process.version, process.execPath));
  process.exitCode = 1;
}
