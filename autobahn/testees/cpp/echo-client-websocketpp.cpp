// An echo client on websocketpp.
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>

#include "command_line.hpp"
#include "websocketpp_config.hpp"

namespace asio = websocketpp::lib::asio;
using Client = websocketpp::client<Config<websocketpp::config::asio_client>>;

static void echo(std::string const& url) {
    websocketpp::lib::error_code result;
    Client client;
    client.init_asio();
    client.set_tcp_post_init_handler([&](auto handle) {
        client.get_con_from_hdl(handle)->get_raw_socket().set_option(asio::ip::tcp::no_delay(true));
    });
    client.set_message_handler([&](auto handle, auto message) {
        // Errors are ignored here. The suite judges how the connection ends.
        websocketpp::lib::error_code error;
        client.send(handle, message->get_payload(), message->get_opcode(), error);
    });
    client.set_fail_handler([&](auto handle) {
        result = client.get_con_from_hdl(handle)->get_ec();
    });
    auto connection = client.get_connection(url, result);
    if (!result) {
        client.connect(connection);
        client.run();
    }
    if (result) throw websocketpp::exception(result);
}

int main(int argc, char** argv) { for_each_url(argc, argv, echo); }
