package com.example;

import ai.sentryagent.idp.AgentIdPClient;
import java.io.IOException;

/** A program of somebody else's, which sees of the SDK what its module exports. */
public final class Application {
    private Application() {}

    /** Starts a call that is never answered, and returns when it is told to. */
    public static void main(String[] args) throws IOException {
        if (!AgentIdPClient.class.getModule().isNamed()) {
            throw new IllegalStateException("the SDK is no module here");
        }
        AgentIdPClient client = new AgentIdPClient(args[0], "me", "s");
        client.agents().getAgentAsync("never");
        System.in.read();
    }
}
