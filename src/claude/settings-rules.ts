/**
 * What the client expects in a settings file, as a table: measured with 2.1.332, and held against the real client by
 * `test/e2e/settings.test.ts`. Moving to another version means editing this table and that test's cases.
 *
 * A key that is not here may hold anything: the client does not know it, or passes over a value that it dislikes.
 */

/** What a value has to be. A list of words means one of them. */
export type Expected =
  | 'anything'
  | 'string'
  | 'text'
  | 'url'
  | 'name'
  | 'boolean'
  | 'number'
  | 'positive'
  | 'whole'
  | 'natural'
  | 'null'
  | 'marketplace'
  | readonly string[]
  | { readonly listOf: Expected }
  | { readonly mapOf: Expected }
  | { readonly fields: Readonly<Record<string, Expected>>; readonly needs?: readonly string[] }
  | { readonly either: readonly Expected[] };

/** Events of hooks. An unknown one is passed over. */
export const knownEvents: ReadonlySet<string> = new Set([
  ...['PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PostToolBatch', 'Notification', 'UserPromptSubmit'],
  ...[
    'UserPromptExpansion',
    'SessionStart',
    'SessionEnd',
    'Stop',
    'StopFailure',
    'SubagentStart',
    'SubagentStop',
  ],
  ...[
    'PreCompact',
    'PostCompact',
    'PreModelSwitch',
    'PostModelSwitch',
    'PermissionRequest',
    'PermissionDenied',
  ],
  ...[
    'Setup',
    'TeammateIdle',
    'TaskCreated',
    'TaskCompleted',
    'Elicitation',
    'ElicitationResult',
    'ConfigChange',
  ],
  ...[
    'WorktreeCreate',
    'WorktreeRemove',
    'InstructionsLoaded',
    'CwdChanged',
    'FileChanged',
    'DirectoryAdded',
  ],
  ...['MessageDisplay', 'PreSkillShellCommand'],
]);

/**
 * Events whose hooks may forbid something. One of these that cannot be loaded makes the client skip the whole file, wherever in the
 * file it stands; a bad hook of another event is passed over alone.
 */
export const guardEvents: ReadonlySet<string> = new Set([
  'PreToolUse',
  'PermissionRequest',
  'PreSkillShellCommand',
]);

/** Keys below which the client does not look for hooks that stand in the wrong place. */
export const keysWithoutHooks: ReadonlySet<string> = new Set([
  ...['mcpServers', 'managedMcpServers', 'lspServers', 'pluginConfigs', 'enabledPlugins'],
  ...['extraKnownMarketplaces', 'env', 'skillOverrides', 'modelSettings'],
]);

const onFailure: Expected = ['continue', 'block'];
const everyHandler = {
  type: 'string',
  timeout: 'positive',
  statusMessage: 'string',
  once: 'boolean',
} as const;
const asking = { prompt: 'string', if: 'string', model: 'string' } as const;

/** Kinds of hooks by their `type`. */
export const handlerTypes: Readonly<Record<string, Expected>> = {
  command: {
    fields: {
      ...everyHandler,
      command: 'string',
      args: { listOf: 'string' },
      if: 'string',
      shell: ['bash', 'powershell'],
      onFailure,
      async: 'boolean',
      asyncRewake: 'boolean',
      holdsTools: 'boolean',
      rewakeMessage: 'text',
      rewakeSummary: 'text',
    },
    needs: ['command'],
  },
  prompt: { fields: { ...everyHandler, ...asking, continueOnBlock: 'boolean' }, needs: ['prompt'] },
  agent: { fields: { ...everyHandler, ...asking }, needs: ['prompt'] },
  http: {
    fields: {
      ...everyHandler,
      url: 'url',
      if: 'string',
      onFailure,
      headers: { mapOf: 'string' },
      allowedEnvVars: { listOf: 'string' },
    },
    needs: ['url'],
  },
  mcp_tool: {
    fields: { ...everyHandler, server: 'string', tool: 'string', if: 'string', input: { mapOf: 'anything' } },
    needs: ['server', 'tool'],
  },
};

const strings: Expected = { listOf: 'string' };
const orNull = (expected: Expected): Expected => ({ either: [expected, 'null'] });
const commandLine: Expected = {
  fields: { type: ['command'], command: 'string' },
  needs: ['type', 'command'],
};
const all = (names: string, expected: Expected): Record<string, Expected> =>
  Object.fromEntries(names.split(/\s+/).map((name) => [name, expected]));

const permissions: Expected = {
  fields: {
    ...all('allow deny ask', { listOf: 'anything' }),
    additionalDirectories: strings,
    defaultMode: ['acceptEdits', 'auto', 'bypassPermissions', 'default', 'dontAsk', 'manual', 'plan'],
    ...all('disableBypassPermissionsMode disableAutoMode', ['disable']),
    ...all('blockReadsOutsideWorkingDirectories blockWritesOutsideWorkingDirectories', 'boolean'),
    ...all('blockFileToolReadsOutsideWorkingDirectories denyInsteadOfPrompting', 'boolean'),
  },
};

const sandbox: Expected = {
  fields: {
    ...all('enabled failIfUnavailable autoAllowBashIfSandboxed allowUnsandboxedCommands', 'boolean'),
    ...all('enableWeakerNestedSandbox allowNestedUserNamespaces enableWeakerNetworkIsolation', 'boolean'),
    allowAppleEvents: 'boolean',
    ...all('network filesystem credentials windows', { fields: {} }),
    ignoreViolations: { mapOf: strings },
    excludedCommands: strings,
    ripgrep: { fields: { command: 'string', args: strings }, needs: ['command'] },
  },
};

const optionOfPlugin: Expected = { either: ['string', 'number', 'boolean', strings] };

/** A wrong value of one of these makes the client skip the whole file. `hooks` has rules of its own. */
export const settingsKeys: Readonly<Record<string, Expected>> = {
  ...all('$schema apiKeyHelper proxyAuthHelper awsCredentialExport awsAuthRefresh gcpAuthRefresh', 'string'),
  ...all('processWrapper attributionProject model modelCatalogUrl modelCatalogPublicKey', 'string'),
  ...all('prUrlTemplate otelHeadersHelper outputStyle language advisorModel agent minimumVersion', 'string'),
  ...all(
    'requiredMinimumVersion requiredMaximumVersion downloadsMirrorUrl plansDirectory timeFormat',
    'string',
  ),
  ...all('timeZone autoMemoryDirectory claudeMd pluginTrustMessage', 'string'),

  ...all('respectGitignore wslInheritsWindowsSettings includeCoAuthoredBy', 'boolean'),
  ...all('includeGitInstructions disableAllHooks disableReplyCheck workflowKeywordTriggerEnabled', 'boolean'),
  ...all('bashEditDiffEnabled respondToBashCommands spinnerTipsEnabled clawdFileProgressEnabled', 'boolean'),
  ...all('syntaxHighlightingDisabled terminalTitleFromRename alwaysThinkingEnabled fastMode', 'boolean'),
  ...all('promptSuggestionEnabled emojiCompletionEnabled awaySummaryEnabled', 'boolean'),
  ...all('showClearContextOnPlanAccept prefersReducedMotion doneMeansMerged autoMemoryEnabled', 'boolean'),
  ...all('totalTokensReminderAfterUserTurn autoDreamEnabled showThinkingSummaries verbose', 'boolean'),
  ...all('autoCompactEnabled precomputeCompactionEnabled idleCompaction switchModelsOnFlag', 'boolean'),
  ...all('autoScrollEnabled wheelScrollAccelerationEnabled showTurnDuration', 'boolean'),
  ...all('showMessageTimestamps terminalProgressBarEnabled todoFeatureEnabled', 'boolean'),
  ...all('inputNeededNotifEnabled agentPushNotifEnabled voiceEnabled axScreenReader', 'boolean'),
  ...all('allowNestedModelAccessUnderForceLogin forceRemoteSettingsRefresh', 'boolean'),
  ...all('allowAllClaudeAiMcps allowClaudeInChromeWithManagedMcp', 'boolean'),

  // Of keys that restrict, the client takes null for absent.
  ...all(
    'allowManagedPermissionRulesOnly allowManagedHooksOnly allowManagedMcpServersOnly',
    orNull('boolean'),
  ),
  ...all('enforceAvailableModels disableClaudeAiConnectors disableCommandPluginSources', orNull('boolean')),
  ...all('disableSideloadFlags disableSkillShellExecution disableWindowsBashCommandSplit', orNull('boolean')),
  ...all(
    'disableRemoteControl disableAgentView disableWorkflows disableArtifact enableArtifact',
    orNull('boolean'),
  ),
  ...all(
    'disableBundledSkills disableDirectMcpSkills fastModePerSessionOptIn isolatePeerMachines',
    orNull('boolean'),
  ),
  ...all('enableWorkflows syncClaudeAiSkills syncClaudeAiPlugins useAutoModeDuringPlan', orNull('boolean')),
  ...all('skipDangerousModePermissionPrompt skipAutoPermissionPrompt channelsEnabled', orNull('boolean')),
  ...all('enableAllProjectMcpServers skipWebFetchPreflight skipWorkflowUsageWarning', orNull('boolean')),
  ...all('autoUploadSessions fileCheckpointingEnabled remoteControlAtStartup', orNull('boolean')),
  ...all('autoContinueAtUsageLimit responseComparisonEnabled', orNull('boolean')),
  ...all('disableAutoMode disableDeepLinkRegistration', orNull(['disable'])),
  ...all('strictKnownMarketplaces allowedMarketplaces blockedMarketplaces', orNull({ listOf: 'anything' })),
  feedbackDrafts: orNull(['notify', 'quiet', 'off']),

  ...all('cleanupPeriodDays skillListingMaxDescChars totalTokensReminderBudget', 'whole'),
  desktopSessionCleanupPeriodDays: 'natural',
  ...all('skillListingBudgetFraction feedbackSurveyRate', 'number'),

  ...all('fallbackModel availableModels allowedHttpHookUrls httpHookAllowedEnvVars', strings),
  ...all('pluginSuggestionMarketplaces companyAnnouncements claudeMdExcludes', strings),
  ...all('enabledMcpjsonServers disabledMcpjsonServers', { either: [strings, 'name'] }),
  forceLoginOrgUUID: { either: ['string', strings] },

  ...all('parentSettingsBehavior managedSourcesBehavior', ['first-wins', 'merge']),
  workflowSizeGuideline: ['unrestricted', 'small', 'medium', 'large'],
  defaultShell: ['bash', 'powershell'],
  autoUpdatesChannel: ['latest', 'stable', 'rc'],
  tui: ['default', 'fullscreen'],
  totalTokensReminder: ['off', 'infinite', 'fixed', 'countdown', 'padded-countdown'],
  daemonColdStart: ['transient', 'ask'],
  defaultView: ['chat', 'transcript'],

  // Values of any simple kind are made strings.
  env: { mapOf: 'anything' },
  modelOverrides: { mapOf: 'string' },
  skillOverrides: { mapOf: ['on', 'name-only', 'user-invocable-only', 'off'] },
  enabledPlugins: { mapOf: { either: ['boolean', strings] } },
  pluginConfigs: {
    mapOf: {
      fields: { mcpServers: { mapOf: { mapOf: optionOfPlugin } }, options: { mapOf: optionOfPlugin } },
    },
  },

  // Anything but an object is passed over, and so is an entry whose source has no kind.
  ...all('extraKnownMarketplaces additionalMarketplaces', {
    either: [{ mapOf: 'marketplace' }, { listOf: 'anything' }, 'string', 'number', 'boolean', 'null'],
  }),

  permissions,
  sandbox,
  fileSuggestion: commandLine,
  statusLine: {
    fields: { type: ['command'], command: 'string', padding: 'number', hideVimModeIndicator: 'boolean' },
    needs: ['type', 'command'],
  },
  attribution: { either: ['boolean', { fields: { commit: 'string', pr: 'string', sessionUrl: 'boolean' } }] },
  autoMode: {
    fields: { ...all('allow soft_deny hard_deny environment', strings), classifyAllShell: 'boolean' },
  },
  breakReminder: {
    fields: {
      enabled: 'boolean',
      ...all('intervalMinutes breakThresholdMinutes', 'whole'),
      message: 'string',
    },
  },
  quietHours: { fields: { enabled: 'boolean', ...all('start end', 'string') } },
  worktree: {
    fields: { ...all('symlinkDirectories sparsePaths', strings), baseRef: ['fresh', 'head'] },
  },
  spinnerVerbs: { fields: { mode: ['append', 'replace'], verbs: strings }, needs: ['mode', 'verbs'] },
  remote: { fields: { defaultEnvironmentId: 'string' } },
  voice: { fields: { enabled: 'boolean', mode: ['hold', 'tap'], autoSubmit: 'boolean' } },
  remoteTools: { fields: { allowUnattendedServing: 'boolean' } },
  sshConfigs: {
    listOf: {
      fields: { ...all('id name sshHost sshIdentityFile startDirectory', 'string'), sshPort: 'number' },
      needs: ['id', 'name', 'sshHost'],
    },
  },
  allowedChannelPlugins: { listOf: 'anything' },
};

/** Kinds of sources of marketplaces. One of another kind spoils the file. */
export const marketplaceSources: ReadonlySet<string> = new Set([
  ...['url', 'github', 'git', 'npm', 'file', 'directory', 'skills-dir', 'hostPattern', 'pathPattern'],
  ...['settings', 'claudeai', 'pluginDirectory'],
]);

/** A larger file is not read. */
export const mostSettingsBytes = 2 << 20;
