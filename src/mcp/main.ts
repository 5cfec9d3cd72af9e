/** The server as a file of its own, which `install --mcp` copies and `flowloom-hooks mcp` runs. */
import { serve } from './server.ts';

serve();
