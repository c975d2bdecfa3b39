// The configuration of the echo programs on websocketpp: permessage-deflate, and no logs.
#pragma once

#include <websocketpp/extensions/permessage_deflate/enabled.hpp>

template <class Core>
struct Config : Core {
    static constexpr websocketpp::log::level alog_level = websocketpp::log::alevel::none;
    static constexpr websocketpp::log::level elog_level = websocketpp::log::elevel::none;

    struct deflate {
        using request_type = typename Core::request_type;
        static constexpr bool allow_disabling_context_takeover = true;
        static constexpr std::uint8_t minimum_outgoing_window_bits = 8;
    };
    using permessage_deflate_type = websocketpp::extensions::permessage_deflate::enabled<deflate>;
};
